import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NODE } from '../../../test-helpers/store-contract/harness.ts';
import { ManualClock } from '../../clock.ts';
import { SystemRandom } from '../../random.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { DataDirInUse } from './owner-lock.ts';
import { readLog } from '../../../test-helpers/store-contract/fixtures.ts';

const WRITER = fileURLToPath(
  new URL('../../../test-helpers/store-contract/writer-process.ts', import.meta.url),
);
const SESSIONS = ['ses-a', 'ses-b', 'ses-c'];

const random = new SystemRandom(new ManualClock());
let dataDir: string;
let writers: ChildProcess[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-crash-'));
});
afterEach(() => {
  for (const writer of writers) writer.kill('SIGKILL');
  writers = [];
  rmSync(dataDir, { recursive: true, force: true });
});

/** What a killed writer was told to be stored. */
class Acknowledged {
  readonly tags = new Map<string, Map<number, string>>();
  readonly chunks = new Map<string, number>();

  note(line: string): void {
    const [kind, session = '', at, tag = ''] = line.split(' ');
    if (kind === 'chunk') this.chunks.set(session, Number(at) + 1);
    else this.tags.set(session, (this.tags.get(session) ?? new Map()).set(Number(at), tag));
  }
}

/** Starts a writer and kills it after so many acknowledgements, with others in flight. */
async function writeAndKill(acknowledged: Acknowledged, lines: number): Promise<void> {
  const writer = spawn(process.execPath, [WRITER, dataDir, ...SESSIONS], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  writers.push(writer);
  const ended = once(writer, 'exit');
  let seen = 0;
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged.note(line);
    if (++seen === lines) writer.kill('SIGKILL');
  }
  const [code, signal] = await ended;
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
}

describe('kill -9', () => {
  test('STO-143 everything acknowledged is there, in logs without a gap, however often the process is killed', async () => {
    const acknowledged = new Acknowledged();
    for (const lines of [1, 50, 333, 700]) {
      await writeAndKill(acknowledged, lines);
      const store = await openSqliteStore({ dataDir }, { random });
      for (const [session, tags] of acknowledged.tags) {
        const events = (await readLog(store, session, 1, 100_000)).map(
          (json) => JSON.parse(json) as { seq: number; tag: string },
        );
        expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1));
        for (const [seq, tag] of tags) expect(events[seq - 1]?.tag, `${session} ${seq}`).toBe(tag);
        const opened = await store.open({
          sessionId: session,
          scope: undefined,
          position: undefined,
          maxReplay: 1000,
          historyPage: 50,
          maxBytes: 1_048_576,
          partial: undefined,
          ignoreExpiry: true,
          attach: undefined,
          now: 0,
        });
        expect(opened).toMatchObject({ kind: 'open', cells: { seq: `${events.length}` } });
        const chunks = await store.chunks(session, 0);
        expect(chunks?.count ?? 0).toBeGreaterThanOrEqual(acknowledged.chunks.get(session) ?? 0);
        expect(chunks?.chunks ?? []).toEqual((chunks?.chunks ?? []).map((_, i) => `${i}`));
      }
      await store.close();
    }
    expect([...acknowledged.tags.keys()].sort()).toEqual(SESSIONS);
  }, 60_000);

  test('STO-140 STO-141 a data directory has one owner, and a killed one is none', async () => {
    const acknowledged = new Acknowledged();
    const writer = spawn(process.execPath, [WRITER, dataDir, ...SESSIONS], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    writers.push(writer);
    const ended = once(writer, 'exit');
    // It owns the directory once it has something to say. What it says further need not be read.
    await once(writer.stdout, 'data');
    writer.stdout.resume();
    const refused = openSqliteStore({ dataDir }, { random });
    await expect(refused).rejects.toThrow(DataDirInUse);
    await expect(refused).rejects.toThrow(dataDir);
    writer.kill('SIGKILL');
    await ended;
    await writeAndKill(acknowledged, 3);
    const store = await openSqliteStore({ dataDir }, { random });
    await store.close();
  }, 60_000);

  test('STO-142 connections of a killed process went with their last sign, its leases are void and its sessions due', async () => {
    await writeAndKill(new Acknowledged(), 20);
    const store = await openSqliteStore({ dataDir }, { random });
    for (const session of SESSIONS) {
      const info = await store.info(session);
      expect(info).toMatchObject({
        attachments: [{ connectionId: `con-${session}`, nodeId: NODE }],
        lease: { runId: 'run-1', until: 0 },
        alarmAt: 0,
      });
      expect(info?.attachments[0]?.goneAt).toBe(info?.attachments[0]?.beatAt);
    }
    expect((await store.due(0, 10)).sort()).toEqual(SESSIONS);
    await store.close();
  }, 60_000);
});
