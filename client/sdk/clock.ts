import type { ClientClock } from './ports.ts';

/** Real time. */
export const systemClock: ClientClock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};
