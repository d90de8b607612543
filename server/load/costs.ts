/**
 * What pieces of work count for, in units: one is about the time that a byte takes which is parsed, stored or sent.
 * They need to be right only relative to each other; how many fit into the event loop is measured.
 */
export const COSTS = {
  /** A frame of a client, besides its bytes. What it leads to is not known yet, and counted as if it were stored. */
  frame: 15_000,
  /** A `connect`, besides what is sent. */
  connect: 50_000,
  /** A page of history or an HTTP request, besides what is sent. */
  request: 20_000,
  /** An append to a log, besides the bytes of its events and of the state that it rewrites. */
  append: 5000,
  /** A chunk of an answer, besides its bytes. */
  chunk: 10_000,
  /** A frame that is sent, besides its bytes. */
  sent: 2000,
} as const;

/**
 * What a frame of so many bytes counts for when it comes: what it leads to is charged only when it is done, and until
 * then a flood of them would look harmless. `subscribers` are the connections that will probably be shown it.
 */
export function frameCost(bytes: number, subscribers: number): number {
  return COSTS.frame + bytes + subscribers * (COSTS.sent + bytes);
}
