import type { HoldfastError } from './errors.ts';

/** Delays between attempts are drawn from this window, ms. */
export interface ReconnectWindow {
  readonly minMs: number;
  readonly maxMs: number;
  /** `full`: anywhere between `minMs` and the growing ceiling. `half`: in the upper half below it (the agent plane). */
  readonly jitter: 'full' | 'half';
}

/** What a connection keeps across its states. */
export interface Line {
  /** The default until the server has advertised its own. */
  readonly window: ReconnectWindow;
  /** Attempts that failed in a row, lines that broke at once included. */
  readonly attempt: number;
}

/** Why an attempt is put off: by our own backoff, by the server's `retry_after_ms`, or by the share of a drain that it gave us. */
export type WaitReason = 'backoff' | 'rate_limited' | 'server_closing';

/**
 * Where the connection stands. Times are the clock's milliseconds.
 *
 * `connecting` the socket opens; `authenticating` the handshake is under way; `restoring` we are in, and what was missed
 * is coming; `connected`; `waiting` until `retryAt`; `refused` until `authenticate`; `closing` politely;
 * `closed` by us or for good by the server (1000); `failed`: going on makes no sense, a bug.
 */
export type ConnectionState =
  | { readonly name: 'idle'; readonly line: Line }
  | { readonly name: 'connecting'; readonly line: Line; readonly deadlineAt: number }
  | { readonly name: 'authenticating'; readonly line: Line; readonly deadlineAt: number }
  | {
      readonly name: 'restoring';
      readonly line: Line;
      readonly deadlineAt: number;
      readonly returnAt: number | undefined;
    }
  | {
      readonly name: 'connected';
      readonly line: Line;
      readonly since: number;
      /** The server is about to close; come back not before this. */
      readonly returnAt: number | undefined;
    }
  | {
      readonly name: 'waiting';
      readonly line: Line;
      readonly retryAt: number;
      readonly why: WaitReason;
      readonly error: HoldfastError;
    }
  | { readonly name: 'refused'; readonly line: Line; readonly error: HoldfastError }
  | { readonly name: 'closing'; readonly line: Line; readonly deadlineAt: number }
  | {
      readonly name: 'closed';
      readonly line: Line;
      readonly by: 'client' | 'server';
      /** The server's reason, such as `erased`. */
      readonly reason: string | undefined;
    }
  | { readonly name: 'failed'; readonly line: Line; readonly error: HoldfastError };
