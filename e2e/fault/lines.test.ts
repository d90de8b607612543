import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LineProxy } from '../../test-helpers/proxy.ts';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { Nodes } from '../property/support/nodes.ts';
import { type Chance, chanceOf } from './support/chance.ts';
import { inWords, Load } from './support/load.ts';

const FAULTS = process.env.HOLDFAST_FULL === '1' ? 80 : 16;
/** After so long without a sign of life a device asks for one, and after as long again it gives the line up. */
const PATIENCE_MS = 400;

/** Breaks a line in one of the ways in which lines break, for a while. */
async function breakLine(line: LineProxy, chance: Chance): Promise<string> {
  const what = chance.pick(['cut', 'cut in a frame', 'half-open', 'slow', 'narrow', 'none'] as const);
  switch (what) {
    case 'cut':
      line.cut();
      break;
    case 'cut in a frame':
      line.cutAfter(chance.between(1, 600));
      await sleep(chance.between(50, 300));
      break;
    case 'half-open':
      line.stall();
      // Sometimes it comes back to life before anybody gave it up, sometimes long after.
      await sleep(chance.between(50, 4 * PATIENCE_MS));
      break;
    case 'slow':
      line.delay(chance.between(20, 250));
      await sleep(chance.between(100, 600));
      break;
    case 'narrow':
      line.throttle(chance.between(2000, 40_000));
      await sleep(chance.between(100, 600));
      break;
    case 'none':
      line.refuse();
      line.cut();
      await sleep(chance.between(50, 400));
      break;
  }
  line.heal();
  return what;
}

for (const kind of ['sqlite', 'redis'] as const)
  test(`DEL-2 DEL-11 FLO-6 lines that are cut in a frame, half-open, slow or narrow lose nothing (${kind})`, async () => {
    const chance = chanceOf(`lines (${kind})`);
    await using nodes = await Nodes.start(kind, {
      env: { HEARTBEAT_INTERVAL_MS: '200', SILENCE_TIMEOUT_MS: '1000' },
    });
    const lines = await Promise.all([0, 1, 2].map(() => LineProxy.start(nodes.servers[0]!.url)));
    let opened = 0;
    const load = await Load.start(nodes, {
      sessions: 6,
      chance,
      url: () => lines[opened++ % lines.length]!.url,
      patienceMs: PATIENCE_MS,
    });
    const counts: Record<string, number> = {};
    for (let fault = 0; fault < FAULTS; fault++) {
      const what = await breakLine(chance.pick(lines), chance);
      counts[what] = (counts[what] ?? 0) + 1;
    }
    expect(await load.check()).toEqual([]);
    const { faults, figures } = await load.finish();
    console.log(`lines (${kind}): ${inWords(counts)}: ${inWords(figures)}`);
    expect(faults).toEqual([]);
    expect(figures.short).toBe(0);
    // The server lets go of every line, whatever it thinks of it.
    for (const line of lines) line.stall();
    await load[Symbol.asyncDispose]();
    await untilConnections(nodes.servers[0]!.url, 0);
    for (const line of lines) await line.close();
    expect(nodes.errors).toEqual([]);
  });
