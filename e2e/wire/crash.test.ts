import { describe, expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import {
  answersOf,
  ask,
  counted,
  ended,
  endedByAnother,
  eventsOf,
  expectSoundLog,
  streamed,
} from './support/runs.ts';
import { describeStores } from './support/site.ts';

const QUICK = { AGENT: 'demo', RUN_LEASE_MS: '2000', SWEEP_INTERVAL_MS: '200', ATTACH_BEAT_MS: '300' };
const STEPS = ['gather', 'outline', 'draft', 'review', 'publish'];

describeStores('a server that is killed at work', QUICK, (site) => {
  let database = 0;
  /** A server whose store nobody else looks after. */
  const startAlone = (env = {}) => site.start(env, { database: ++database });
  /** Comes back to the whole log after the server came back. */
  const comeBack = (url: string, client: WireClient) =>
    WireClient.resume(url, client, { position: { epoch: client.position.epoch, seq: 0 } });

  describe.concurrent('comes back, and', () => {
    test('DEL-36 DEL-25 DEL-22 kill -9 while it counts: the answer goes on, and is exact', async () => {
      const server = await startAlone();
      await using client = await WireClient.connect(server.url);
      const run = await ask(client, 'count to 200');
      const next = await ask(client, 'calc 6*7');
      await streamed(client, run, 20);
      await server.restart();
      await using back = await comeBack(server.url, client);
      await using other = await WireClient.connect(server.url, { session_id: client.sessionId });
      await streamed(back, run, 3);
      // Twice: the one that took it over dies as well.
      await server.restart();
      await using again = await comeBack(server.url, back);
      await endedByAnother(again, run);
      expect(eventsOf(again, 'run_recovering').length).toBeGreaterThanOrEqual(2);
      expect(answersOf(again, run)).toEqual([counted(200)]);
      expect(await ended(again, next)).toMatchObject({ outcome: 'completed' });
      const attempts = eventsOf(again, 'run_started').filter(({ data }) => data.run_id === run);
      expect(attempts.map(({ data }) => data.attempt)).toEqual(attempts.map((_, i) => i + 1));
      expect(other.restored?.run).toMatchObject({ run_id: run });
      expectSoundLog(again);
      await site.end(server);
    }, 60_000);

    test('DEL-25 kill -9 in each step of a plan: finished steps are not carried out again', async () => {
      const server = await startAlone();
      await using first = await WireClient.connect(server.url);
      let client = first;
      const run = await ask(client, 'plan Tea');
      const clients: WireClient[] = [];
      for (const [i, name] of STEPS.entries()) {
        const started = (c: WireClient) =>
          eventsOf(c, 'step_started').some((event) => event.data.step.name === name);
        await client.find(() => started(client), `step ${name}`);
        if (name === 'publish') break;
        if (name === 'review') await client.find((frame) => frame.type === 'input_requested', 'the question');
        await server.restart();
        client = await comeBack(server.url, client);
        clients.push(client);
        if (name !== 'review') continue;
        const [request] = client.restored!.run!.pending_inputs;
        expect(request).toMatchObject({ kind: 'approval' });
        await client.request('input_respond', {
          responses: [{ request_id: request!.request_id, approved: true }],
        });
        expect(i).toBe(3);
      }
      expect(await ended(client, run)).toMatchObject({ outcome: 'completed' });
      expect(answersOf(client, run)).toEqual([
        'Published "On Tea" at /published/on-tea: 3 sections, 33 words.',
      ]);
      // Each step is completed once, in order; none of them begins again once it was.
      expect(eventsOf(client, 'step_completed').map((event) => event.data.step.name)).toEqual(STEPS);
      for (const event of eventsOf(client, 'step_started')) {
        const done = eventsOf(client, 'step_completed').find(
          ({ data }) => data.step.name === event.data.step.name,
        );
        expect(event.seq).toBeLessThan(done!.seq);
      }
      expect(eventsOf(client, 'input_requested')).toHaveLength(1);
      expectSoundLog(client);
      for (const one of clients) await one[Symbol.asyncDispose]();
      await site.end(server);
    }, 60_000);

    test('DEL-20 what was acknowledged before the end is answered after it', async () => {
      const server = await startAlone();
      await using client = await WireClient.connect(server.url);
      const runs = [];
      for (let i = 0; i < 5; i++) runs.push(await ask(client, `calc ${i}+${i}`));
      await server.restart();
      await using back = await comeBack(server.url, client);
      for (const run of runs) expect(await ended(back, run)).toMatchObject({ outcome: 'completed' });
      expect(runs.flatMap((run) => answersOf(back, run))).toEqual(
        [0, 1, 2, 3, 4].map((i) => `${i}+${i} = ${2 * i}`),
      );
      expectSoundLog(back);
      await site.end(server);
    }, 60_000);

    test('MSG-38 a run whose executor is dead can be canceled', async () => {
      const server = await startAlone({ RUN_LEASE_MS: '600000', SWEEP_INTERVAL_MS: '600000' });
      await using client = await WireClient.connect(server.url);
      const run = await ask(client, 'count to 500');
      await streamed(client, run, 5);
      await server.restart();
      await using back = await comeBack(server.url, client);
      const reply = await back.request('run_cancel', { run_id: run });
      expect(reply.type).toBe('message_delivered');
      expect(await ended(back, run)).toMatchObject({ outcome: 'canceled' });
      const [kept] = answersOf(back, run);
      expect(kept?.startsWith('1 2 3')).toBe(true);
      expectSoundLog(back);
      await site.end(server);
    }, 60_000);
  });
});
