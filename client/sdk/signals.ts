import type { WakeSignals } from './ports.ts';

/** What a page has and Node has not. */
interface PageLike {
  readonly visibilityState: string;
  addEventListener(type: 'visibilitychange', listener: () => void): void;
  removeEventListener(type: 'visibilitychange', listener: () => void): void;
}

interface WindowLike {
  readonly document?: PageLike;
  addEventListener?(type: 'online' | 'pageshow', listener: () => void): void;
  removeEventListener?(type: 'online' | 'pageshow', listener: () => void): void;
}

/** The network came back, or the page is looked at again. Outside of a browser: never. */
export const browserSignals: WakeSignals = {
  subscribe(wake) {
    const window = globalThis as unknown as WindowLike;
    const page = window.document;
    const seen = () => {
      if (page?.visibilityState === 'visible') wake();
    };
    window.addEventListener?.('online', wake);
    // A page that comes out of the back-forward cache has lost its sockets.
    window.addEventListener?.('pageshow', wake);
    page?.addEventListener('visibilitychange', seen);
    return () => {
      window.removeEventListener?.('online', wake);
      window.removeEventListener?.('pageshow', wake);
      page?.removeEventListener('visibilitychange', seen);
    };
  },
};
