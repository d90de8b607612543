/** Runs something once before the next picture, so that a burst of events is drawn once. */
export interface Frames {
  /** The returned function calls it off. */
  next(fn: () => void): () => void;
}

/** A page that nobody sees gets no frames from the browser; it is kept up to date more slowly. */
const HIDDEN_MS = 200;

export const pageFrames: Frames = {
  next(fn) {
    if (document.visibilityState === 'hidden') {
      const timer = setTimeout(fn, HIDDEN_MS);
      return () => clearTimeout(timer);
    }
    // A frame that was asked for is never drawn when the page is hidden before: the timer sees to that.
    const done = (run: () => void) => () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      run();
    };
    const timer = setTimeout(() => done(fn)(), HIDDEN_MS);
    const frame = requestAnimationFrame(() => done(fn)());
    return done(() => {});
  },
};
