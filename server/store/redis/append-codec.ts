import type {
  AppendRequest,
  AppendResult,
  ChunkBuffer,
  ChunkRequest,
  KnownId,
  RewriteRequest,
} from '../store.ts';
import type { Reply } from './calls.ts';
import { Keys } from './keys.ts';
import { functionName } from './library.ts';
import { decodeEvents, encodeEvent } from './log-codec.ts';
import { decodeBuffer, encodeAlarm, encodeBuffer, encodeFence } from './session-record.ts';

/** An append as `FCALL fn keys.length ...keys ...args`, for those who call Redis themselves (the benchmark). */
export function encodeAppend(
  request: AppendRequest,
  keys = new Keys(),
): { readonly fn: string; readonly keys: readonly [string]; readonly args: readonly string[] } {
  return { fn: functionName('append'), keys: [keys.session(request.sessionId)], args: appendArgs(request) };
}

/** The alarm that the append sets, as it is stored; the first event's tag marks it as this append's. */
export function alarmOf(request: AppendRequest): undefined | string {
  return typeof request.alarmAt === 'number'
    ? encodeAlarm(request.alarmAt, request.events[0]?.tag ?? '')
    : undefined;
}

/** The arguments of the function `append`: see scripts/append.lua. */
export function appendArgs(request: AppendRequest): string[] {
  const { events, ids, annotations } = request;
  const rare = rareArgs(request);
  const args = [
    request.nodeId,
    `${request.now}`,
    request.epoch,
    `${request.expectedSeq}`,
    `${events.length}`,
    `${ids.length}`,
    `${rare === undefined ? annotations.length : -1 - annotations.length}`,
    request.expectedTag ?? '',
  ];
  for (const event of events) args.push(encodeEvent(event));
  pushPairs(args, request);
  if (request.lease && 'set' in request.lease) {
    const { set } = request.lease;
    args.push('lease', encodeFence(set), 'until', `${set.until}`, 'owner', set.owner);
  }
  if (request.holdUntil !== undefined) args.push('hold', `${request.holdUntil}`);
  if (request.lastMessage !== undefined) args.push('last', request.lastMessage);
  const alarm = alarmOf(request);
  if (alarm !== undefined) args.push('alarm', alarm);
  for (const { seq, json } of annotations) args.push(`${seq}`, json);
  if (rare !== undefined) args.push(...rare);
  return args;
}

/** Ids and cells as fields of the hash, ids first. */
function pushPairs(args: string[], { ids, cells }: Pick<AppendRequest, 'ids' | 'cells'>): void {
  for (const { id, seq, digest } of ids) args.push(`i:${id}`, `${seq}:${digest}`);
  for (const [name, json] of Object.entries(cells)) args.push(`c:${name}`, json);
}

/** The arguments of the function `rewrite`: see scripts/rewrite.lua. */
export function rewriteArgs(request: RewriteRequest, alarm: string): string[] {
  const { events, ids, cells, annotations } = request;
  const pairs = ids.length + Object.keys(cells).length;
  const args = [request.nodeId, request.epochBefore, request.epoch, alarm, `${events.length}`, `${pairs}`];
  for (const event of events) args.push(encodeEvent(event));
  pushPairs(args, request);
  for (const { seq, json } of annotations) args.push(`${seq}`, json);
  return args;
}

/** What few appends ask for; `undefined` when this one does not. */
function rareArgs(request: AppendRequest): undefined | string[] {
  const { alarmAt, titleIfNone, lease, dropChunks } = request;
  const clear = lease !== undefined && 'clear' in lease && lease.clear;
  const held = lease !== undefined && 'held' in lease ? lease.held : undefined;
  if (alarmAt === undefined && titleIfNone === undefined && !clear && !held && !dropChunks) return undefined;
  return [
    alarmAt === undefined ? '' : alarmAt === null ? '-' : '1',
    titleIfNone ?? '',
    held === undefined ? '' : encodeFence(held),
    clear ? '1' : '',
    dropChunks === undefined ? '' : encodeBuffer(dropChunks.messageId, dropChunks.attempt),
    dropChunks === undefined ? '' : `${dropChunks.count}`,
  ];
}

/** What an append answers, and what its indexes need: the alarm before it, and the scope when its list is to be brought up to date. */
export interface AppendReply {
  readonly result: AppendResult;
  readonly alarmBefore: undefined | string;
  readonly scope: undefined | string;
}

const APPLIED: AppendReply = { result: { kind: 'applied' }, alarmBefore: undefined, scope: undefined };

export function decodeAppend(reply: Reply): AppendReply {
  if (!Array.isArray(reply)) return APPLIED;
  const [kind, ...rest] = reply;
  if (kind === 'applied') {
    const [alarm, scope] = rest as (undefined | null | string)[];
    return { ...APPLIED, alarmBefore: alarm ?? undefined, scope: scope ?? undefined };
  }
  return { ...APPLIED, result: decodeRefusal(kind as string, rest) };
}

function decodeRefusal(kind: string, rest: Reply[]): AppendResult {
  switch (kind) {
    case 'conflict': {
      const [epoch, seq, events] = rest as [string, string, undefined | Reply];
      return { kind, head: { epoch, seq: Number(seq) }, events: decodeEvents(events ?? []) };
    }
    case 'known': {
      const pairs = rest as string[];
      const ids: KnownId[] = [];
      for (let i = 0; i < pairs.length; i += 2)
        ids.push(decodeKnown((pairs[i] ?? '').slice(2), pairs[i + 1] ?? ''));
      return { kind, ids };
    }
    case 'chunk_conflict':
      return { kind, chunks: decodeChunks(rest[0] ?? null) };
    case 'fenced':
      return { kind };
    default:
      return { kind: 'gone' };
  }
}

/** @param value what is stored for the id */
export function decodeKnown(id: string, value: string): KnownId {
  const colon = value.indexOf(':');
  return { id, seq: Number(value.slice(0, colon)), digest: value.slice(colon + 1) };
}

/** The arguments of the function `chunk`: see scripts/runs.lua. */
export function chunkArgs(request: ChunkRequest): string[] {
  const { fence, messageId, messageAttempt } = request;
  return [
    request.nodeId,
    encodeFence(fence),
    encodeBuffer(messageId, messageAttempt),
    `${request.index}`,
    request.json,
    fence.runId,
    messageId,
    `${messageAttempt}`,
  ];
}

/** Decodes the list that the library's `chunk_buffer` answers. */
export function decodeChunks(reply: Reply): undefined | ChunkBuffer {
  if (!Array.isArray(reply)) return undefined;
  const [buffer, runId, count, fromIndex, chunks] = reply as [string, string, number, number, string[]];
  return { ...decodeBuffer(buffer), runId, count, fromIndex, chunks };
}
