/**
 * Keeps `--viewport-height` at the part of the window that an on-screen keyboard leaves free, where the browser does not
 * resize the page by itself: the composer stays above the keyboard.
 */
export function followVisualViewport(signal: AbortSignal): void {
  // Not every browser has one, whatever its type says.
  const viewport = window.visualViewport ?? null;
  if (viewport === null) return;
  const follow = () => {
    // A pinch zoom makes it smaller, too; that is no keyboard.
    if (viewport.scale > 1.01) return;
    const covered = window.innerHeight - viewport.height;
    const root = document.documentElement.style;
    if (covered > 1) root.setProperty('--viewport-height', `${viewport.height}px`);
    else root.removeProperty('--viewport-height');
    window.scrollTo(0, 0);
  };
  viewport.addEventListener('resize', follow, { signal });
  follow();
}
