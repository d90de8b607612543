import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Nodes } from '../property/support/nodes.ts';
import { chanceOf } from './support/chance.ts';
import { inWords, Load } from './support/load.ts';

const KILLS = process.env.HOLDFAST_FULL === '1' ? 50 : 10;

for (const kind of ['sqlite', 'redis'] as const)
  test(`SES-7 DEL-11 DEL-21 DEL-25 a server that is killed under load loses nothing and does nothing twice (${kind})`, {
    timeout: 60_000 + KILLS * 30_000,
  }, async () => {
    const chance = chanceOf(`server killed (${kind})`);
    await using nodes = await Nodes.start(kind);
    await using load = await Load.start(nodes, { sessions: 6, chance });
    for (let kill = 1; kill <= KILLS; kill++) {
      // From in the middle of its start's own recovery to long after it.
      await sleep(chance.between(0, 900));
      await nodes.crash(0);
      expect(await load.check(), `after kill ${kill}`).toEqual([]);
    }
    const { faults, figures } = await load.finish();
    console.log(`server killed (${kind}): ${KILLS} kills, ${inWords(figures)}`);
    expect(faults).toEqual([]);
    expect(figures.short).toBe(0);
    expect(nodes.errors).toEqual([]);
    expect(figures.takeovers).toBeGreaterThan(0);
  });
