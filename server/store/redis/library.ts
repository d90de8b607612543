import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster, type Redis } from 'ioredis';
import { CONFLICT_LIMITS } from '../store.ts';

/** One Redis (also one behind Sentinel), or a Redis Cluster. */
export type RedisClient = Redis | Cluster;

/** The subject's list of a session's last use may lag this far behind; `list` makes up for it. */
export const RANK_MS = 10_000;

/** In this order: each may use what the ones before it define. */
const FILES = ['record', 'presence', 'append', 'runs', 'history', 'open', 'lifecycle', 'rewrite'];

const constants = { RANK_MS, CONFLICT_EVENTS: CONFLICT_LIMITS.events, CONFLICT_BYTES: CONFLICT_LIMITS.bytes };
const source = `${Object.entries(constants)
  .map(([name, value]) => `local ${name} = ${value}`)
  .join('\n')}\n${FILES.map((name) =>
  readFileSync(join(import.meta.dirname, 'scripts', `${name}.lua`), 'utf8'),
).join('\n')}`;

// The hash is part of every name, so that two versions of the server can share a Redis during a rolling upgrade.
const hash = createHash('sha256').update(source).digest('hex').slice(0, 8);
const code = `#!lua name=holdfast_${hash}\n${source.replaceAll('PREFIX_', `hf${hash}_`)}`;

/** The Lua functions of `scripts/`. */
export type FunctionName =
  | 'alarm'
  | 'append'
  | 'chunk'
  | 'chunks'
  | 'create'
  | 'detach'
  | 'enlist'
  | 'erase'
  | 'expire'
  | 'history'
  | 'info'
  | 'open'
  | 'read'
  | 'renew'
  | 'rewrite'
  | 'title'
  | 'touch';

/** The name under which Redis knows a function of this version of the library. */
export function functionName(name: FunctionName): string {
  return `hf${hash}_${name}`;
}

/** Loads this version of the library on every master that does not have it. */
export async function loadLibrary(client: RedisClient): Promise<void> {
  await onMasters(client, loadOn);
}

/** What `work` answers for each master. One that is down is left out, as long as another is not: its slots wait for their failover. */
export async function onMasters<T>(client: RedisClient, work: (master: Redis) => Promise<T>): Promise<T[]> {
  const settled = await Promise.allSettled(mastersOf(client).map(work));
  const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (answers.length === 0 && failed !== undefined) throw failed.reason;
  return answers;
}

/** The connections to all masters that are known now. */
export function mastersOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

async function loadOn(master: Redis): Promise<void> {
  try {
    // No REPLACE: a library of this name is this library, and a load would be written to the append-only file each time.
    await master.call('FUNCTION', 'LOAD', code);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('already exists'))) throw error;
  }
}
