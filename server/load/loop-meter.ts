import { performance } from 'node:perf_hooks';

/** How long the event loop worked and how long it waited for something to do, in ms, since the reading before. */
export interface LoopReading {
  readonly activeMs: number;
  readonly idleMs: number;
}

/** Reads this thread's event loop. Each call answers what happened since the one before. */
export function loopMeter(): () => LoopReading {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { active, idle } = performance.eventLoopUtilization(now, last);
    last = now;
    return { activeMs: active, idleMs: idle };
  };
}
