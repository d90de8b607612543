import { type ClientState, DEFAULT_RECONNECT, type Line } from '../../sdk/index.ts';

/** A line that nobody has asked for yet. */
export const NO_LINE: Line = { window: { ...DEFAULT_RECONNECT, jitter: 'full' }, attempt: 0 };

/** Where a page stands before anybody signed in. */
export const NOT_SIGNED_IN: ClientState = { name: 'closed', line: NO_LINE, by: 'client', reason: undefined };
