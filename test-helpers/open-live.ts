import type { Clock } from '../server/clock.ts';
import type { Random } from '../server/random.ts';
import { LiveSession } from '../server/session/live-session.ts';
import type { Store } from '../server/store/store.ts';

export interface OpenLiveDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeId?: string;
}

/** The session as a node has it that reads it now, without a hub around it. */
export async function openLive(sessionId: string, deps: OpenLiveDeps): Promise<LiveSession> {
  const opened = await deps.store.open({
    sessionId,
    scope: undefined,
    position: undefined,
    maxReplay: 0,
    historyPage: 0,
    maxBytes: 1_048_576,
    partial: undefined,
    ignoreExpiry: true,
    attach: undefined,
    now: deps.clock.now(),
  });
  if (opened.kind !== 'open') throw new Error(opened.kind);
  const nothing = () => {};
  return new LiveSession(opened, {
    nodeId: 'n1',
    ...deps,
    onAppended: nothing,
    onGone: nothing,
    onDuplicate: nothing,
    onConflict: nothing,
    onChunk: nothing,
  });
}
