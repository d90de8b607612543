import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Nodes } from '../property/support/nodes.ts';
import { chanceOf } from './support/chance.ts';
import { inWords, Load } from './support/load.ts';

const KILLS = process.env.HOLDFAST_FULL === '1' ? 50 : 8;
/** Within this an operation of the store is answered or fails: an absence of 3 s is felt by everybody. */
const TIMEOUT_MS = 500;
const AWAY_MS = 3000;

const always = { appendfsync: 'always' } as const;

test('FLO-12 SES-7 a Redis that syncs always is killed under load: what was acknowledged stays', async () => {
  const chance = chanceOf('Redis killed');
  await using nodes = await Nodes.start('redis', { nodes: 2, redis: always });
  const pids = nodes.servers.map((server) => server.pid);
  await using load = await Load.start(nodes, { sessions: 6, chance });
  for (let kill = 1; kill <= KILLS; kill++) {
    await sleep(chance.between(50, 900));
    await nodes.redis!.kill9();
    await nodes.redis!.restart();
    expect(await load.check(), `after kill ${kill}`).toEqual([]);
  }
  const { faults, figures } = await load.finish();
  console.log(`Redis killed: ${KILLS} kills, ${inWords(figures)}`);
  expect(faults).toEqual([]);
  expect(nodes.errors).toEqual([]);
  expect(nodes.servers.map((server) => server.pid)).toEqual(pids);
});

for (const [how, away, back] of [
  ['is gone', 'kill9', 'restart'],
  ['hangs', 'SIGSTOP', 'SIGCONT'],
] as const)
  test(`MSG-16 FLO-12 HTP-21 a store that ${how} for 3 s is told to clients, and everything goes on by itself`, async () => {
    const chance = chanceOf(`store that ${how}`);
    await using nodes = await Nodes.start('redis', {
      nodes: 2,
      redis: always,
      env: { REDIS_TIMEOUT_MS: String(TIMEOUT_MS) },
    });
    const redis = nodes.redis!;
    const pids = nodes.servers.map((server) => server.pid);
    await using load = await Load.start(nodes, { sessions: 4, chance });
    const busy = () => load.devices.every(({ outbox }) => outbox.answers.size >= 5);
    for (const device of load.devices) await device.until(busy, 20_000);
    const before = load.acknowledged;
    if (away === 'kill9') await redis.kill9();
    else process.kill(redis.pid, away);
    const since = performance.now();
    for (const device of load.devices) {
      device.say('context_update', { memory: { said: 'while the store was away' } });
      expect(await device.until(() => device.outbox.outOfReach > 0, AWAY_MS)).toBe(true);
    }
    const ready = await Promise.all(nodes.servers.map(({ url }) => fetch(`${url}/readyz`)));
    expect(ready.map(({ status }) => status)).toEqual([503, 503]);
    await sleep(since + AWAY_MS - performance.now());
    if (back === 'restart') await redis.restart();
    else process.kill(redis.pid, back);
    // Without anybody's help: more is acknowledged than before.
    const goesOn = () => load.acknowledged > before + load.devices.length;
    for (const device of load.devices) expect(await device.until(goesOn, 20_000)).toBe(true);
    expect(await load.check()).toEqual([]);
    const { faults, figures } = await load.finish();
    console.log(`store that ${how} for 3 s: ${inWords(figures)}`);
    expect(faults).toEqual([]);
    expect(nodes.errors).toEqual([]);
    expect(nodes.servers.map((server) => server.pid)).toEqual(pids);
  });
