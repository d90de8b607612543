import type { AttachmentInfo, Lease, Policy, SessionInfo } from '../store.ts';
import type { Reply } from './calls.ts';

// Encodes and decodes the fields of a session's hash, see scripts/record.lua.

const RECORD = [
  'epoch',
  'seq',
  'tag',
  'scope',
  'born',
  'policy',
  'title',
  'updated',
  'bytes',
  'seen',
  'attached',
  'hold',
  'lease',
  'until',
  'alarm',
  'last',
  'archived',
  'chunk',
  'chunk_run',
  'cells',
  'user',
  'assistant',
  'system',
] as const;

/** What is stored of whose session it is: compared whole, never parsed in Redis. */
export function encodeScope(scope: { subject: string; domain: string; workspace: string }): string {
  return JSON.stringify([scope.subject, scope.domain, scope.workspace]);
}

export function subjectOfScope(scope: string): string {
  return (JSON.parse(scope) as [string])[0];
}

export function encodeBorn(createdAt: number, previousId: undefined | string): string {
  return JSON.stringify([createdAt, previousId ?? null]);
}

export function encodePolicy(policy: Policy): string {
  return `${policy.briefMs} ${policy.mediumMs} ${policy.archiveMs} ${policy.attachTtlMs}`;
}

/** The part of a lease that fences: compared whole, never parsed in Redis. */
export function encodeFence(lease: Omit<Lease, 'until'>): string {
  return JSON.stringify([lease.runId, lease.attempt, lease.owner]);
}

/** Names the message in flight and its attempt: compared whole, never parsed in Redis. */
export function encodeBuffer(messageId: string, attempt: number): string {
  return JSON.stringify([messageId, attempt]);
}

export function decodeBuffer(text: string): { messageId: string; attempt: number } {
  const [messageId, attempt] = JSON.parse(text) as [string, number];
  return { messageId, attempt };
}

export function encodeArchived(at: number, until: number, successorId: string): string {
  return JSON.stringify([at, until, successorId]);
}

export function decodeArchived(text: string): { at: number; until: number; successorId: string } {
  const [at, until, successorId] = JSON.parse(text) as [number, number, string];
  return { at, until, successorId };
}

/** An alarm is kept with a mark that no other setting of it has: see alarms.ts. */
export function encodeAlarm(at: number, mark: string): string {
  return `${at} ${mark}`;
}

export function decodeAlarm(text: string): number {
  return Number.parseInt(text, 10);
}

/** Decodes the list that the library's `answer` makes; `undefined` when there is no session. */
export function decodeInfo(sessionId: string, reply: Reply): undefined | SessionInfo {
  const values = reply as (null | string)[];
  const fields = Object.fromEntries(RECORD.map((name, i) => [name, values[i] ?? undefined])) as Record<
    (typeof RECORD)[number],
    undefined | string
  >;
  const { epoch, scope, born, policy, lease, alarm, archived } = fields;
  if (epoch === undefined || scope === undefined || born === undefined) return undefined;
  const [subject, domain, workspace] = JSON.parse(scope) as [string, string, string];
  const [createdAt, previousId] = JSON.parse(born) as [number, null | string];
  const number = (name: (typeof RECORD)[number]) => Number(fields[name] ?? 0);
  return {
    sessionId,
    epoch,
    seq: number('seq'),
    tag: fields.tag,
    subject,
    domain,
    workspace,
    title: fields.title,
    previousId: previousId ?? undefined,
    policy: decodePolicy(policy ?? ''),
    createdAt,
    updatedAt: number('updated'),
    lastMessage: fields.last,
    messageCounts: { user: number('user'), assistant: number('assistant'), system: number('system') },
    logBytes: number('bytes'),
    attachments: decodeAttachments(fields.attached ?? ''),
    lastSeenAt: number('seen'),
    holdUntil: number('hold'),
    lease: lease === undefined ? undefined : decodeLease(lease, number('until')),
    alarmAt: alarm === undefined ? undefined : decodeAlarm(alarm),
    archived: archived === undefined ? undefined : decodeArchived(archived),
  };
}

let lastPolicy: { readonly text: string; readonly policy: Policy } | undefined;

/** Nearly all sessions have the same: those share one object. */
function decodePolicy(text: string): Policy {
  if (lastPolicy?.text === text) return lastPolicy.policy;
  const [briefMs = 0, mediumMs = 0, archiveMs = 0, attachTtlMs = 0] = text.split(' ').map(Number);
  const policy = { briefMs, mediumMs, archiveMs, attachTtlMs };
  lastPolicy = { text, policy };
  return policy;
}

function decodeLease(text: string, until: number): Lease {
  const [runId, attempt, owner] = JSON.parse(text) as [string, number, string];
  return { runId, attempt, owner, until };
}

function decodeAttachments(text: string): AttachmentInfo[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [connectionId = '', nodeId = '', beat, gone] = line.split('\t');
      return { connectionId, nodeId, beatAt: Number(beat), goneAt: gone ? Number(gone) : undefined };
    });
}
