/** What a client may do after a close, without asking the person. */
export type RetryVerdict =
  /** Do not reconnect by itself. */
  | 'never'
  /** Reconnect with full-jitter backoff inside the window that the server advertised. */
  | 'backoff'
  /** Reconnect after the `retry_after_ms` of the error before the close. */
  | 'after_retry_after'
  /** Get new credentials first. */
  | 'new_credentials';

/** One WebSocket close code of the chat plane. */
export interface CloseCode {
  readonly code: number;
  readonly name: string;
  readonly meaning: string;
  readonly retry: RetryVerdict;
}

/** Every close code that Holdfast sends or explains, each with its retry verdict. The only home of these numbers. */
export const CLOSE_CODES = {
  normal: { code: 1000, name: 'normal', meaning: 'Normal closure', retry: 'never' },
  goingAway: { code: 1001, name: 'going_away', meaning: 'The server is going away', retry: 'backoff' },
  frameTooLarge: {
    code: 1009,
    name: 'frame_too_large',
    meaning: 'A frame was over MAX_FRAME_BYTES',
    retry: 'never',
  },
  internalError: { code: 1011, name: 'internal_error', meaning: 'Server error', retry: 'backoff' },
  restarting: { code: 1012, name: 'restarting', meaning: 'The server restarts', retry: 'backoff' },
  overCapacity: {
    code: 1013,
    name: 'over_capacity',
    meaning: 'The server is over capacity',
    retry: 'backoff',
  },
  authentication: {
    code: 4000,
    name: 'authentication_error',
    meaning: 'Authentication error',
    retry: 'new_credentials',
  },
  rateLimited: {
    code: 4001,
    name: 'rate_limited',
    meaning: 'Rate limit exceeded',
    retry: 'after_retry_after',
  },
  invalidFormat: { code: 4002, name: 'invalid_format', meaning: 'Invalid message format', retry: 'never' },
  protocolViolation: {
    code: 4003,
    name: 'protocol_violation',
    meaning: 'Protocol violation',
    retry: 'never',
  },
} as const satisfies Record<string, CloseCode>;

const byCode: ReadonlyMap<number, CloseCode> = new Map(Object.values(CLOSE_CODES).map((c) => [c.code, c]));

/** The close code's entry, or the verdict for a lost line (1005, 1006 and every code not listed: backoff). */
export function explainClose(code: number): CloseCode {
  return byCode.get(code) ?? { code, name: 'line_lost', meaning: 'The line was lost', retry: 'backoff' };
}
