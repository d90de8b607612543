import type { HistoryMessage } from '../../../protocol/chat/restore.ts';
import { untilConnections } from '../../../test-helpers/server-process.ts';
import type { WireClient } from '../../../test-helpers/wire-client.ts';

/** What a person says, one after another, each after the answer to the one before. */
export async function converse(client: WireClient, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    await client.say(text);
    const { outcome } = await client.runFinished();
    if (outcome !== 'completed') throw new Error(`the answer to "${text}" was ${outcome}`);
  }
}

/** The messages as the server tells them: all, or those of people. */
export async function historyOf(client: WireClient, roles?: ['user']): Promise<readonly HistoryMessage[]> {
  const reply = await client.request('history_request', roles === undefined ? {} : { roles });
  if (reply.type !== 'history') throw new Error(`no history: ${reply.raw}`);
  return (reply.data as { messages: HistoryMessage[] }).messages;
}

/** The context as the server tells it, without the position that it shows. */
export async function contextOf(client: WireClient) {
  const reply = await client.request('context_request', {});
  if (reply.type !== 'context') throw new Error(`no context: ${reply.raw}`);
  const { position: _, ...context } = reply.data as NonNullable<WireClient['restored']>['context'] & {
    position: unknown;
  };
  return context;
}

/** Nested on purpose: every level has to come back. */
export const MEMORY = {
  project: {
    name: 'Holdfast',
    milestones: [{ title: 'first', done: true, tags: ['a', 'b'] }, { title: 'second' }],
  },
  counters: { visits: 3, ratio: 0.25, none: null },
};
export const PREFERENCES = { theme: 'dark', languages: ['de', 'en'], quiet: { from: '22:00', to: '07:00' } };

/** A session with everything in it that a restore has to bring back: messages, memory, preferences, tool calls. */
export async function fillSession(client: WireClient): Promise<void> {
  await client.request('context_update', { memory: MEMORY, preferences: PREFERENCES });
  await converse(client, [
    'Hello',
    'remember city is Lisbon',
    'prefer units metric',
    'calc (3 + 4) * 6',
    'Goodbye',
  ]);
}

/** Cuts lines without a close frame, and waits until the server has noticed: `left` connections are left. */
export async function cutOff(
  clients: WireClient | readonly WireClient[],
  url: string,
  left = 0,
): Promise<void> {
  for (const client of [clients].flat()) client.cut();
  await untilConnections(url, left);
}
