import { expect, test } from 'vitest';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { SystemClock } from '../clock.ts';
import { SystemRandom } from '../random.ts';
import { decideContextUpdate } from './decide-context.ts';
import { SessionHub } from './hub.ts';

const policy = { briefMs: 30_000, mediumMs: 300_000, archiveMs: 1000, attachTtlMs: 25_000 };
const nothing = () => {};

test('DEL-2 what is appended for a connection that has gone reaches the one that comes meanwhile', async () => {
  await using store = await openTestStore();
  const clock = new SystemClock();
  const random = new SystemRandom(clock);
  const hub = new SessionHub({
    store,
    clock,
    random,
    nodeId: 'n1',
    log: { warn: nothing },
    attachBeatMs: 10_000,
    maxReplay: 100,
    historyPage: 10,
    maxSessions: 0,
    endRuns: async () => {},
    repair: async () => {},
    onDuplicate: nothing,
    onConflict: nothing,
    onChunk: nothing,
  });
  const attach = async (sessionId: undefined | string) => {
    const attachment = await hub.connect({
      target: sessionId === undefined ? { kind: 'new' } : { kind: 'id', sessionId },
      scope: { subject: 's', domain: 'd', workspace: 'w' },
      connectionId: random.id(),
      policy,
      position: undefined,
      partial: undefined,
    });
    if (!('live' in attachment)) throw new Error(attachment.kind);
    return attachment;
  };
  const first = await attach(undefined);
  const set = decideContextUpdate({ memory: { a: 1 } }, 1000);
  const done = first.live.execute({ decide: set, id: undefined, needsPartial: false });
  const gone = first.detach();
  const second = await attach(first.live.id);
  await done;
  await gone;
  expect(second.live.head.seq).toBe(1);
  expect(second.live.state.memory).toEqual({ a: 1 });
  await second.detach();
  expect(hub.size).toBe(0);
  await hub.stop();
});
