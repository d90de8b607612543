/**
 * What a page holds, as it tells through `window.holdfast.snapshot()`. A client of your own that offers the same, and
 * dispatches `holdfast:state` on `window` whenever it changed, can be driven by everything here.
 */
export interface Held {
  readonly screen: 'sign_in' | 'talk' | 'archive';
  /** The client's state by name: `connecting`, `connected`, `waiting`, ... */
  readonly state: string;
  /** The word for it: `Connecting`, `Connected`, `Reconnecting`, `Disconnected`. */
  readonly line: string;
  readonly session_id: string | null;
  readonly previous_session_id: string | null;
  readonly outcome: string | null;
  readonly tier: string | null;
  readonly position: { readonly epoch: string; readonly seq: number } | null;
  readonly messages: readonly HeldMessage[];
  readonly streaming: { readonly message_id: string; readonly attempt: number; readonly text: string } | null;
  /** Own messages that are not among `messages` yet and were not refused; one in the state `sent` is acknowledged. */
  readonly outbox: readonly { readonly id: string; readonly content: string; readonly state: string }[];
  readonly run: { readonly run_id: string; readonly state: string } | null;
  readonly queued_runs: number;
  readonly pending_inputs: readonly string[];
  readonly memory: unknown;
  readonly preferences: unknown;
  /** How many cuts the conversation shows. */
  readonly seams: number;
}

export interface HeldMessage {
  readonly id: string;
  readonly seq: number;
  readonly role: string;
  readonly status: string;
  readonly text: string;
}
