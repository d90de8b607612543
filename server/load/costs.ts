/**
 * What pieces of work count for, in units: one is about the time that a byte takes which is parsed, stored or sent.
 * They need to be right only relative to each other; how many fit into the event loop is measured.
 */
export const COSTS = {
  /** A frame of a client, besides its bytes. */
  frame: 5000,
  /** A `connect`, besides what is sent. */
  connect: 50_000,
  /** A page of history or an HTTP request, besides what is sent. */
  request: 20_000,
  /** An append to a log, besides the bytes of its events and of the state that it rewrites. */
  append: 15_000,
  /** A chunk of an answer, besides its bytes. */
  chunk: 10_000,
  /** A frame that is sent, besides its bytes. */
  sent: 2000,
} as const;
