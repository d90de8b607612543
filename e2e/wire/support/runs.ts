import { expect } from 'vitest';
import type { DownData, EventType, LogEvent } from '../../../protocol/chat/down.ts';
import type { UpInput } from '../../../protocol/chat/up.ts';
import { textOf } from '../../../test-helpers/frame-checker.ts';
import type { WireClient } from '../../../test-helpers/wire-client.ts';
import { logFaults } from './log-rules.ts';

/** What `count to N` says when it is done. */
export const counted = (to: number) => Array.from({ length: to }, (_, i) => i + 1).join(' ');

/** The events of one type, in order. */
export function eventsOf<T extends EventType>(client: WireClient, type: T): Extract<LogEvent, { type: T }>[] {
  return client.events.filter((event): event is Extract<LogEvent, { type: T }> => event.type === type);
}

/** Says it, and answers the id of the run that will answer. */
export async function ask(
  client: WireClient,
  content: string,
  extra: Partial<UpInput<'chat_message'>> = {},
): Promise<string> {
  const id = client.send('chat_message', { content, ...extra });
  const frame = await client.find(
    (f) => f.type === 'run_queued' && (f.data as DownData<'run_queued'>).message_id === id,
    `the run that answers ${content}`,
  );
  return (frame.data as DownData<'run_queued'>).run_id;
}

/** Waits for the end of the run, and answers it. */
export async function ended(client: WireClient, runId: string): Promise<DownData<'run_finished'>> {
  const frame = await client.find(
    (f) => f.type === 'run_finished' && (f.data as DownData<'run_finished'>).run_id === runId,
    `the end of run ${runId}`,
  );
  return frame.data as DownData<'run_finished'>;
}

/**
 * Waits for the end of a run whose executor died. How often it is taken over nobody can say, where a machine may stall for
 * longer than a lease and other tests stop the node that has it; each time is told, and counted.
 */
export async function endedByAnother(client: WireClient, runId: string): Promise<void> {
  const { outcome, attempt } = await ended(client, runId);
  const takeovers = eventsOf(client, 'run_recovering').filter(({ data }) => data.run_id === runId);
  expect(takeovers[0]?.data.reason).toBe('executor_lost');
  expect(takeovers.map(({ data }) => data.attempt)).toEqual(takeovers.map((_, i) => i + 2));
  expect({ outcome, attempt }).toEqual({ outcome: 'completed', attempt: takeovers.length + 1 });
}

/** The texts of the run's messages, as they were completed. */
export function answersOf(client: WireClient, runId: string): string[] {
  return eventsOf(client, 'message_completed')
    .filter((event) => event.data.message.run_id === runId)
    .map((event) => textOf(event.data.message));
}

/** Says it, waits for the end, and answers what the agent said. */
export async function converse(client: WireClient, content: string): Promise<string> {
  const runId = await ask(client, content);
  expect(await ended(client, runId)).toMatchObject({ outcome: 'completed' });
  return answersOf(client, runId).join('\n');
}

/** Waits until so many deltas of the run's messages came over this connection. */
export async function streamed(client: WireClient, runId: string, count: number): Promise<void> {
  const messagesOfRun = () => {
    const { restored } = client;
    const ids = new Set(
      restored?.run?.run_id === runId && restored.partial ? [restored.partial.message_id] : [],
    );
    for (const { type, data } of client.frames)
      if (type === 'message_started' && (data as DownData<'message_started'>).run_id === runId)
        ids.add((data as DownData<'message_started'>).message_id);
    return ids;
  };
  await client.find(() => {
    const ids = messagesOfRun();
    const deltas = client.frames.filter(
      ({ type, data }) => type === 'message_delta' && ids.has((data as DownData<'message_delta'>).message_id),
    );
    return deltas.length >= count;
  }, `${count} deltas of run ${runId}`);
}

/** The log as this client got it, from its first event on, keeps every rule. */
export function expectSoundLog(client: WireClient, atRest = true): void {
  expect(logFaults(client.events, atRest)).toEqual([]);
}
