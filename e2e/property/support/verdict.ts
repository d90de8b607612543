import { isDeepStrictEqual } from 'node:util';
import type { LogEvent } from '../../../protocol/chat/down.ts';
import { EMPTY_STATE, reduce, type SessionState } from '../../../server/session/state.ts';
import { textOf } from '../../../test-helpers/frame-checker.ts';
import { WireClient } from '../../../test-helpers/wire-client.ts';
import type { Device } from './device.ts';
import { faultsOfLog } from './log-check.ts';
import type { Restore } from './replica.ts';

/** The defaults of the settings of these names. */
const HISTORY_PAGE = 50;
const PAGE_BYTES = 1_048_576;
/** More than what the store counts of 50 messages beside their own JSON: their envelopes, and their runs' tool calls. */
const UNSEEN_BYTES = 16_384;

/** The whole log of a session as text, read by a stranger to what happened to the others. */
export async function readLog(url: string, sessionId: string, epoch: string): Promise<string[]> {
  await using reader = await WireClient.connect(url, { session_id: sessionId, position: { epoch, seq: 0 } });
  const to = reader.restored?.replay?.to_seq ?? 0;
  if (reader.success?.outcome !== 'restored') throw new Error(`the log was ${reader.success?.outcome}`);
  if (to > 0) await reader.find((frame) => frame.seq === to, `event ${to}`);
  return reader.events.slice(0, to).map((event) => (event as unknown as { raw: string }).raw);
}

/** How far the log must reach: what this device was given, and what it was told is stored. */
export function promisedSeq({ replica, outbox }: Device): number {
  const stored = [...outbox.answers.values()].map((answer) =>
    answer.kind === 'delivered' ? (answer.seq ?? 0) : 0,
  );
  return Math.max(replica.position?.seq ?? 0, ...stored);
}

/**
 * Whatever is wrong between what devices were told and the log, while things are still at work or when they are over.
 * What they were told after the log was read is not looked at.
 */
export function faultsOfSession(
  log: readonly string[],
  devices: readonly Device[],
  atRest: boolean,
): string[] {
  const events = log.map((raw) => JSON.parse(raw) as LogEvent);
  return [
    ...faultsOfLog(events, atRest),
    ...devices.flatMap((device) => [
      ...device.faults,
      ...[...keptFaults(device, log), ...acknowledgedFaults(device, events)].map(
        (f) => `${device.name}: ${f}`,
      ),
    ]),
    ...chunkFaults(devices, events),
  ];
}

/** Every device ends with the same events, in the same order, and with the context that they add up to. */
export function faultsAtRest(log: readonly string[], devices: readonly Device[]): string[] {
  const faults = faultsOfSession(log, devices, true);
  const events = log.map((raw) => JSON.parse(raw) as LogEvent);
  const states = foldAll(events);
  const end = states.at(-1) ?? EMPTY_STATE;
  for (const device of devices) {
    const { name, replica, outbox } = device;
    const at = replica.position?.seq;
    if (promisedSeq(device) > log.length) faults.push(`${name} was promised ${promisedSeq(device)} events`);
    if (at !== log.length) faults.push(`${name} is at ${at}, the log ends at ${log.length}`);
    if (outbox.waiting.length > 0)
      faults.push(`${name}: ${outbox.waiting.length} messages were never answered`);
    if (!isDeepStrictEqual(replica.memory, end.memory)) faults.push(`${name} has another memory`);
    if (!isDeepStrictEqual(replica.preferences, end.preferences))
      faults.push(`${name} has other preferences`);
    if (replica.runs.size > 0) faults.push(`${name} believes that runs are at work`);
    for (const restore of replica.restores)
      faults.push(...restoreFaults(restore, states, events).map((fault) => `${name}: ${fault}`));
    for (const { messageId, attempt, by } of replica.ended)
      if (!events.some((event) => event.seq <= by && endsStream(event, messageId, attempt)))
        faults.push(`${name}: message ${messageId} was not in flight at ${by}, and had not ended`);
  }
  return faults;
}

/** Whatever a device was ever given is in the log, byte for byte. */
function keptFaults({ replica }: Device, log: readonly string[]): string[] {
  return [...replica.log].flatMap(([seq, raw]) =>
    seq > log.length || log[seq - 1] === raw ? [] : [`event ${seq} was ${raw}, the log has ${log[seq - 1]}`],
  );
}

/** Every message that was acknowledged is there once, at the place that was told; what was refused is not. */
function acknowledgedFaults({ outbox }: Device, events: readonly LogEvent[]): string[] {
  const faults: string[] = [];
  const created = events.flatMap((event) => (event.type === 'message_created' ? [event.data.message] : []));
  let last = 0;
  for (const { id, type } of outbox.messages) {
    const answer = outbox.answers.get(id);
    const found = created.filter((message) => message.id === id);
    if (found.length > 1) faults.push(`${id} is in the log ${found.length} times`);
    if (answer?.kind === 'refused' && found.length > 0) faults.push(`${id} was refused and is in the log`);
    if (answer?.kind !== 'delivered' || answer.seq === null) continue;
    if (answer.seq > events.length) continue;
    if (type !== 'chat_message') continue;
    if (found[0]?.seq !== answer.seq)
      faults.push(`${id} was acknowledged at ${answer.seq}, it is at ${found[0]?.seq}`);
    if (outbox.overtaken.has(id)) continue;
    if (answer.seq < last) faults.push(`${id} at ${answer.seq} was sent after the one at ${last}`);
    last = answer.seq;
  }
  return faults;
}

/** The chunks of an answer's last attempt, from all devices together, are its text, as far as they go. */
function chunkFaults(devices: readonly Device[], events: readonly LogEvent[]): string[] {
  const faults: string[] = [];
  const chunks = new Map<string, string>();
  for (const { replica } of devices)
    for (const [key, content] of replica.chunks) {
      const known = chunks.get(key);
      if (known !== undefined && known !== content) faults.push(`chunk ${key} is ${known} and ${content}`);
      chunks.set(key, content);
    }
  const attempts = new Map<string, number>();
  for (const event of events) {
    if (event.type === 'message_restarted') attempts.set(event.data.message_id, event.data.attempt);
    if (event.type !== 'message_completed') continue;
    const { message } = event.data;
    const attempt = attempts.get(message.id) ?? 1;
    let streamed = '';
    for (let i = 0; ; i++) {
      const content = chunks.get(`${message.id}/${attempt}/${i}`);
      if (content === undefined) break;
      streamed += (JSON.parse(content) as { delta: string }).delta;
    }
    if (!textOf(message).startsWith(streamed))
      faults.push(`of "${textOf(message)}" was streamed "${streamed}"`);
  }
  return faults;
}

/** The state after each event; `[0]` is that of an empty log. */
function foldAll(events: readonly LogEvent[]): SessionState[] {
  const states = [EMPTY_STATE];
  for (const event of events) states.push(reduce(states.at(-1)!, event));
  return states;
}

/** What a return showed is what the log adds up to at the head that it named. */
function restoreFaults(
  { seq, data }: Restore,
  states: readonly SessionState[],
  events: readonly LogEvent[],
): string[] {
  const state = states[seq];
  if (state === undefined) return [`a return showed ${seq}, the log ends before`];
  const faults: string[] = [];
  const differs = (what: string, shown: unknown, is: unknown) => {
    // As JSON, so that `undefined` and absent are the same.
    if (!isDeepStrictEqual(shown, JSON.parse(JSON.stringify(is))))
      faults.push(`a return at ${seq} showed ${what} ${JSON.stringify(shown)}, not ${JSON.stringify(is)}`);
  };
  const { memory, preferences, workflow, toolCalls: tool_calls } = state;
  differs('the context', data.context, { memory, preferences, workflow, tool_calls });
  differs('the run', data.run?.run_id ?? null, state.run?.runId ?? null);
  differs(
    'the queue',
    data.queued_runs.map((run) => run.run_id),
    state.queue.map((run) => run.runId),
  );
  differs('the questions', data.run?.pending_inputs ?? [], state.run?.pendingInputs ?? []);
  if (data.mode === 'snapshot') {
    const messages = messagesAt(events.slice(0, seq));
    const { messages: shown, total, has_more } = data.history;
    differs('the number of messages', total, messages.length);
    differs(
      'the messages',
      shown.map(withoutCalls),
      messages.slice(messages.length - shown.length).map(withoutCalls),
    );
    differs('that there are more', has_more, shown.length < messages.length);
    faults.push(...sizeFaults(shown, messages).map((fault) => `a return at ${seq} showed ${fault}`));
  }
  return faults;
}

/** RES-12: as many of the newest messages as fit, and one in any case. */
function sizeFaults(shown: readonly object[], messages: readonly object[]): string[] {
  const bytesOf = (some: readonly object[]) =>
    some.reduce((sum, message) => sum + Buffer.byteLength(JSON.stringify(message)), 0);
  const bytes = bytesOf(shown);
  if (shown.length > HISTORY_PAGE) return [`${shown.length} messages`];
  if (shown.length > 1 && bytes > PAGE_BYTES) return [`messages of ${bytes} bytes`];
  const next = messages.at(-shown.length - 1);
  if (shown.length === HISTORY_PAGE || next === undefined) return [];
  const isFull = shown.length > 0 && bytes + bytesOf([next]) + UNSEEN_BYTES > PAGE_BYTES;
  return isFull ? [] : [`${shown.length} messages of ${bytes} bytes, and one more would have fitted`];
}

function withoutCalls({ tool_calls: _, ...message }: { readonly tool_calls?: unknown }): object {
  return message;
}

/** The messages of a log as history shows them. */
function messagesAt(events: readonly LogEvent[]): object[] {
  const runs = new Map<string, { run_id: string; run_outcome: string }>();
  for (const { type, data } of events)
    if (type === 'run_finished') {
      const run = { run_id: data.run_id, run_outcome: data.outcome };
      runs.set(data.run_id, run);
      runs.set(data.message_id, run);
    }
  return events.flatMap((event) => {
    if (event.type !== 'message_created' && event.type !== 'message_completed') return [];
    const { message } = event.data;
    return [{ ...message, ...runs.get(message.run_id ?? message.id) }];
  });
}

function endsStream(event: LogEvent, messageId: string, attempt: number): boolean {
  if (event.type === 'message_completed') return event.data.message.id === messageId;
  return (
    event.type === 'message_restarted' && event.data.message_id === messageId && event.data.attempt > attempt
  );
}

/** The first faults, without the whole of the texts that they are about. */
export function inBrief(faults: readonly string[]): string[] {
  return faults
    .slice(0, 20)
    .map((fault) => (fault.length > 1000 ? `${fault.slice(0, 600)} ... ${fault.slice(-300)}` : fault));
}
