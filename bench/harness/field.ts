import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '../../test-helpers/redis.ts';
import { SUBJECTS, type Subject, startSubject } from './subjects.ts';

/** Runs `fn` with all subjects started anew over one Redis of their own, and ends them all. `env` is for the servers. */
export async function withSubjects<T>(
  env: Readonly<Record<string, string>>,
  fn: (subjects: readonly Subject[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const redis = stack.use(await startRedis());
  const subjects: Subject[] = [];
  for (const name of SUBJECTS)
    subjects.push(stack.use(await startSubject(name, { redisUrl: redis.url, folder }, env)));
  return await fn(subjects);
}

/** What a server's processor time comes to while `fn` runs, in ms. */
export async function cpuDuring<T>(
  { server }: Subject,
  fn: () => Promise<T>,
): Promise<{ readonly value: T; readonly cpuMs: number }> {
  const before = await server.ask<number>({ ask: 'cpu' });
  const value = await fn();
  return { value, cpuMs: (await server.ask<number>({ ask: 'cpu' })) - before };
}

/** Warming up takes longer the first time: until then much of the code has never run. */
export function firstLonger(round: number, ms: number): number {
  return round === 0 ? 4 * ms : ms;
}
