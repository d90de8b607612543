import { expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';

const ofType = <T extends LogEvent['type']>(events: readonly { type: string; data: unknown }[], type: T) =>
  events.filter((event): event is Extract<LogEvent, { type: T }> => event.type === type);
const numbers = (n: number) => Array.from({ length: n }, (_, i) => i + 1).join(' ');

test('RUN-11 RUN-14 an answer goes on after kill -9 of the only process, and nothing is said twice', async () => {
  await using server = await ServerProcess.start();
  const client = await WireClient.connect(server.url);
  await client.say('count to 60');
  await client.next('message_delta', (delta) => delta.index >= 10);
  await server.kill9();
  await server.restart();
  await using back = await WireClient.resume(server.url, client, { partial: undefined });
  const { data } = await back.next('message_completed');
  expect(data.message.parts).toEqual([{ type: 'text', text: numbers(60) }]);
  await back.next('run_finished');
  const events = [...client.events, ...back.events];
  expect(ofType(events, 'run_started').map((event) => event.data.attempt)).toEqual([1, 2]);
  expect(ofType(events, 'run_recovering').map((event) => event.data.reason)).toEqual(['executor_lost']);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
  expect(server.errors).toEqual([]);
});

test('RUN-13 RUN-31 a plan survives a kill -9 in each of its steps', async () => {
  await using server = await ServerProcess.start();
  let client = await WireClient.connect(server.url);
  const events: { type: string; data: unknown; seq: number }[] = [];
  await client.say('plan tea');
  for (const name of ['gather', 'outline', 'draft']) {
    await client.next('step_started', ({ step }) => step.name === name);
    await server.kill9();
    await server.restart();
    events.push(...client.events);
    client = await WireClient.resume(server.url, client);
  }
  const { data } = await client.next('input_requested');
  await server.kill9();
  await server.restart();
  events.push(...client.events);
  client = await WireClient.resume(server.url, client);
  expect(client.restored?.context.workflow).toMatchObject({ step: 4, pending: ['review', 'publish'] });
  expect(client.restored?.run?.pending_inputs.map((input) => input.request_id)).toEqual([data.request_id]);
  await client.request('input_respond', { responses: [{ request_id: data.request_id, approved: true }] });
  const end = await client.next('run_finished');
  expect(end.data).toMatchObject({ outcome: 'completed', attempt: 5 });
  events.push(...client.events);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
  const completed = ofType(events, 'step_completed').map((event) => event.data.step.name);
  expect(completed).toEqual(['gather', 'outline', 'draft', 'review', 'publish']);
  expect(ofType(events, 'step_started')).toHaveLength(5);
  expect(ofType(events, 'tool_call')).toHaveLength(5);
  await client[Symbol.asyncDispose]();
});

test('RUN-18 an answer goes on after SIGTERM and a restart, without a death', async () => {
  await using server = await ServerProcess.start();
  const client = await WireClient.connect(server.url);
  await client.say('count to 40');
  await client.next('message_delta', (delta) => delta.index >= 5);
  expect(await server.stop()).toBe(0);
  await server.restart();
  await using back = await WireClient.resume(server.url, client);
  const { data } = await back.next('message_completed');
  expect(data.message.parts).toEqual([{ type: 'text', text: numbers(40) }]);
  const events = [...client.events, ...back.events];
  expect(ofType(events, 'run_recovering').map((event) => event.data.reason)).toEqual(['handover']);
  expect(server.errors).toEqual([]);
});
