import { tick } from 'svelte';
import type { App } from './app.svelte.ts';
import type { ChangeCause } from './talk.svelte.ts';
import { lineStatus } from '../status/words.ts';

/** What the page holds right now, as plain data. No key and no token is in it. */
export interface Snapshot {
  /** `sign_in`, `talk` or `archive`. */
  readonly screen: 'sign_in' | 'talk' | 'archive';
  /** The client's state by name, such as `connected`, and the word on the page for it. */
  readonly state: string;
  readonly line: string;
  readonly session_id: string | null;
  readonly previous_session_id: string | null;
  readonly outcome: string | null;
  readonly tier: string | null;
  readonly position: { readonly epoch: string; readonly seq: number } | null;
  readonly messages: readonly {
    readonly id: string;
    readonly seq: number;
    readonly role: string;
    readonly status: string;
    readonly text: string;
  }[];
  readonly streaming: { readonly message_id: string; readonly attempt: number; readonly text: string } | null;
  /** Own messages that are not among `messages` yet and were not refused; `sent` is one that is acknowledged. */
  readonly outbox: readonly { readonly id: string; readonly content: string; readonly state: string }[];
  readonly run: { readonly run_id: string; readonly state: string } | null;
  readonly queued_runs: number;
  readonly pending_inputs: readonly string[];
  readonly memory: unknown;
  readonly preferences: unknown;
  readonly seams: number;
}

declare global {
  interface Window {
    /** For tests that drive the page: what it holds, without looking at its markup. */
    holdfast?: { snapshot(): Snapshot };
  }
}

/**
 * Tells on `window` whenever something changed, as a `holdfast:state` event with `{cause}` (`state`, `conversation` or
 * `outbox`), after the page was drawn accordingly; `window.holdfast.snapshot()` says what it holds. So a test can wait for
 * the application's own events instead of for time.
 */
export function exposeState(app: App): void {
  window.holdfast = { snapshot: () => snapshotOf(app) };
  const tell = async (cause: ChangeCause) => {
    await tick();
    window.dispatchEvent(new CustomEvent('holdfast:state', { detail: { cause } }));
  };
  app.onChange((cause) => void tell(cause));
}

const textIn = (parts: readonly { readonly type: string; readonly text?: string }[]) =>
  parts.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('');

export function snapshotOf(app: App): Snapshot {
  const { talk, archive } = app;
  const c = talk?.conversation;
  const messages = c?.messages ?? archive?.messages ?? [];
  return {
    screen: app.apiKey === null || !app.entered ? 'sign_in' : archive === null ? 'talk' : 'archive',
    state: talk?.state.name ?? 'none',
    line: talk === null ? 'Disconnected' : lineStatus(talk.state),
    session_id: c?.session?.sessionId ?? archive?.sessionId ?? null,
    previous_session_id: c?.session?.previousSessionId ?? null,
    outcome: c?.session?.outcome ?? null,
    tier: c?.session?.tier ?? null,
    position: talk?.position ?? null,
    messages: messages.map(({ id, seq, role, status, parts }) => ({
      id,
      seq,
      role,
      status,
      text: textIn(parts),
    })),
    streaming:
      c === undefined || c.streaming === null
        ? null
        : {
            message_id: c.streaming.messageId,
            attempt: c.streaming.attempt,
            text: textIn(c.streaming.parts),
          },
    outbox: (c?.outgoing ?? [])
      .filter(({ delivery }) => delivery !== 'failed')
      .map(({ id, content, delivery }) => ({ id, content, state: delivery })),
    run: c === undefined || c.run === null ? null : { run_id: c.run.runId, state: c.run.state },
    queued_runs: c?.queuedRuns.length ?? 0,
    pending_inputs: (c?.inputs ?? []).filter((i) => i.resolved === null).map((i) => i.requestId),
    memory: c?.context.memory ?? null,
    preferences: c?.context.preferences ?? null,
    seams: c?.seams.length ?? 0,
  };
}
