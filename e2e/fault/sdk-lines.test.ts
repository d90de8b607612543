import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type ClientEvent, HoldfastClient } from '../../client/sdk/index.ts';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { textOf } from '../../test-helpers/frame-checker.ts';
import { LineProxy } from '../../test-helpers/proxy.ts';
import { faultsOfLog } from '../property/support/log-check.ts';
import { Nodes } from '../property/support/nodes.ts';
import { answerTo } from '../property/support/sayings.ts';
import { readLog } from '../property/support/verdict.ts';
import { chanceOf } from './support/chance.ts';

const CUTS = process.env.HOLDFAST_FULL === '1' ? 60 : 12;

/** What a client was told of the log, in order, and where it was when it took a snapshot instead. */
class Told {
  readonly events: LogEvent[] = [];
  readonly faults: string[] = [];
  sessionId = '';
  epoch = '';
  #seq = 0;

  take(event: ClientEvent): void {
    if (event.type === 'restored') {
      const { session, restored } = event;
      this.sessionId = session.session_id;
      this.epoch = session.position.epoch;
      if (restored?.mode === 'snapshot') this.#seq = session.position.seq;
    }
    if (event.type === 'error') this.faults.push(String(event.error));
    if (event.type !== 'event') return;
    if (event.event.seq !== ++this.#seq)
      this.faults.push(`event ${event.event.seq} in the place of ${this.#seq}`);
    this.events.push(event.event);
  }
}

test('CLI-10 CLI-11 CLI-13 the client SDK over a line that is cut in a frame, dead, and whose server is killed', async () => {
  const chance = chanceOf('SDK over bad lines');
  await using nodes = await Nodes.start('sqlite', {
    env: { RECONNECT_MIN_MS: '20', RECONNECT_MAX_MS: '100', MAX_QUEUED_RUNS: '0' },
  });
  await using line = await LineProxy.start(nodes.servers[0]!.url);
  // What a browser does when the page is looked at again.
  let wake = () => {};
  const client = new HoldfastClient({
    url: line.url.replace('http', 'ws'),
    clientId: 'fault-run',
    apiKey: 'development',
    reconnect: { minMs: 20, maxMs: 100 },
    signals: {
      subscribe: (listener) => {
        wake = listener;
        return () => {};
      },
    },
  });
  const told = new Told();
  client.subscribe((event) => told.take(event));
  client.connect();
  const said: { content: string; id: string; delivered: Promise<{ seq: null | number }> }[] = [];
  const say = (content: string) => said.push({ content, ...client.send(content) });
  for (let cut = 0; cut < CUTS; cut++) {
    say(chance.pick(['count to 12', 'calc 6 * 7', `remember k${cut} is v${cut}`, `message number ${cut}`]));
    await sleep(chance.between(0, 300));
    if (chance.next() < 0.5) line.cutAfter(chance.between(1, 500));
    else line.cut();
  }
  say('count to 20');
  await nodes.crash(0);
  say('after the crash');
  // Dead, and nobody says so: asked for a sign of life the client finds out, and comes by another connection.
  await client.waitFor(({ state }) => state.name === 'connected');
  line.stall();
  say('into a dead line');
  wake();
  await client.waitFor(({ state }) => state.name !== 'connected');
  line.heal();
  const acknowledged = await Promise.all(said.map(({ delivered }) => delivered));
  await client.waitFor(({ conversation }) => {
    const answered = conversation.messages.filter((message) => message.role === 'assistant').length;
    return answered === said.length && conversation.streaming === null;
  });
  const { conversation } = client;
  const log = await readLog(nodes.servers[0]!.url, told.sessionId, told.epoch);
  await client.close();

  expect(told.faults).toEqual([]);
  expect(told.events.map((event) => JSON.stringify(event))).toEqual(log.slice(0, told.events.length));
  expect(
    faultsOfLog(
      log.map((raw) => JSON.parse(raw)),
      false,
    ),
  ).toEqual([]);
  // Each message once, in the order in which it was written, where it was acknowledged, with its whole answer.
  const asked = conversation.messages.filter((message) => message.role === 'user');
  expect(asked.map(({ id, seq }) => [id, seq])).toEqual(said.map(({ id }, i) => [id, acknowledged[i]?.seq]));
  const answers = conversation.messages.filter((message) => message.role === 'assistant');
  expect(answers.map(({ parts }) => textOf({ parts: [...parts] }))).toEqual(
    said.map(({ content }, i) => answerTo(content, i + 1)),
  );
});
