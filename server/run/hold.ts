/** What "for ever" is where a moment must be stored: a hundred years. */
const FOR_EVER_MS = 3_155_760_000_000;

/** Until when a run keeps its session from expiring. `runMaxMs` 0: as long as it takes. */
export function holdUntil(now: number, runMaxMs: number): number {
  return now + (runMaxMs > 0 ? runMaxMs : FOR_EVER_MS);
}
