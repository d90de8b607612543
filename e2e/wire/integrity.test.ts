import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Redis, startRedis } from '../../test-helpers/redis.ts';
import { metric, ServerProcess } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';

const cli = promisify(execFile);

/** Takes one event out of the log of a session, behind the back of a server that does not run. */
async function loseEvent(server: ServerProcess, redis: undefined | Redis, sessionId: string, seq: number) {
  if (redis !== undefined) {
    const redisCli = async (...args: string[]) =>
      (await cli('redis-cli', ['-p', `${redis.port}`, ...args])).stdout.trim();
    const log = `hf:{${sessionId}}:log`;
    await redisCli('LSET', log, `${seq - 1}`, 'to be removed');
    expect(await redisCli('LREM', log, '1', 'to be removed')).toBe('1');
    return;
  }
  const file = (await readdir(server.dataDir)).find((name) => /\.(db|sqlite3?)$/.test(name)) ?? '';
  const database = new DatabaseSync(join(server.dataDir, file), { timeout: 10_000 });
  const { changes } = database
    .prepare('DELETE FROM event WHERE seq = ? AND session = (SELECT n FROM session WHERE id = ?)')
    .run(seq, sessionId);
  database.close();
  expect(changes).toBe(1);
}

describe.each(['sqlite', 'redis'])('a log that lost an event (%s)', (kind) => {
  test('RES-4 is made whole under a new epoch, and no client is shown a gap', async () => {
    await using redis = kind === 'redis' ? await startRedis() : undefined;
    const env = { AGENT: 'none', ...(redis && { REDIS_URL: redis.url }) };
    await using server = await ServerProcess.start({ env });
    await using before = await WireClient.connect(server.url);
    for (let i = 1; i <= 5; i++) await before.request('chat_message', { content: `${i}` }, `message-${i}`);
    await before.request('context_update', { memory: { kept: 'yes' } });
    await before.find((frame) => frame.seq === 6);
    await server.stop();
    await loseEvent(server, redis, before.sessionId, 3);
    await server.restart();

    await using back = await WireClient.resume(server.url, before, {
      position: { epoch: before.position.epoch, seq: 1 },
    });
    expect(back.success).toMatchObject({
      outcome: 'reset',
      session_id: before.sessionId,
      position: { seq: 5 },
    });
    expect(back.position.epoch).not.toBe(before.position.epoch);
    expect(back.restored).toMatchObject({
      outcome: 'reset',
      mode: 'snapshot',
      context: { memory: { kept: 'yes' } },
    });
    const texts = back.restored?.history.messages.map(({ seq, parts: [part] }) => [
      seq,
      part?.type === 'text' && part.text,
    ]);
    expect(texts).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '4'],
      [4, '5'],
    ]);
    // It goes on as any other: what is there is a duplicate, what was lost can be sent again.
    const duplicate = await back.request('chat_message', { content: '4' }, 'message-4');
    expect(duplicate.data).toMatchObject({ status: 'duplicate', seq: 3 });
    const again = await back.request('chat_message', { content: '3' }, 'message-3');
    expect(again.data).toMatchObject({ status: 'success', seq: 6 });
    await using third = await WireClient.resume(server.url, back);
    expect(third.success?.outcome).toBe('restored');

    expect(await metric(server.url, 'holdfast_integrity_faults_total')).toBe(1);
    expect(server.errors).toHaveLength(1);
    expect(server.errors[0]).toContain('integrity_fault');
  });
});
