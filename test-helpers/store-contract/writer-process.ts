import { ManualClock } from '../../server/clock.ts';
import { SystemRandom } from '../../server/random.ts';
import { openStore } from '../../server/store/open.ts';
import type { Store } from '../../server/store/store.ts';
import { createRequest, event, lease, T0 } from './fixtures.ts';
import { NODE } from './harness.ts';

/**
 * A process to be killed: it appends events and chunks to a few sessions until it ends, and prints each one only after the store
 * acknowledged it: `event SESSION SEQ TAG` or `chunk SESSION INDEX`. Arguments: the data directory, then the session ids.
 */
const [dataDir = '', ...ids] = process.argv.slice(2);
const clock = new ManualClock();
const store = await openStore({ kind: 'sqlite', dataDir }, { clock, random: new SystemRandom(clock) });

const say = (line: string) => process.stdout.write(`${line}\n`);

async function write(to: Store, sessionId: string): Promise<never> {
  const attach = { nodeId: NODE, connectionId: `con-${sessionId}` };
  await to.create(createRequest({ sessionId, attach, now: T0 }));
  const info = await to.info(sessionId);
  if (info === undefined) throw new Error('the session that was made is not there');
  let { seq } = info;
  for (let index = (await to.chunks(sessionId, 0))?.count ?? 0; ; index++) {
    const next = event(++seq, 'user', { text: 'x'.repeat((seq * 37) % 3000) });
    const nothing = {
      ids: [],
      annotations: [],
      dropChunks: undefined,
      holdUntil: undefined,
      alarmAt: undefined,
    };
    const applied = await to.append({
      ...nothing,
      sessionId,
      nodeId: NODE,
      now: T0,
      epoch: info.epoch,
      expectedSeq: seq - 1,
      expectedTag: undefined,
      events: [next],
      cells: { seq: `${seq}` },
      lease: { set: lease() },
      lastMessage: undefined,
      titleIfNone: undefined,
    });
    if (applied.kind !== 'applied') throw new Error(`append answered ${applied.kind}`);
    say(`event ${sessionId} ${seq} ${next.tag}`);
    const chunk = await to.appendChunk({
      sessionId,
      nodeId: NODE,
      fence: lease(),
      messageId: 'answer',
      messageAttempt: 1,
      index,
      json: `${index}`,
    });
    if (chunk.kind !== 'applied') throw new Error(`appendChunk answered ${chunk.kind}`);
    say(`chunk ${sessionId} ${index}`);
  }
}

await Promise.all(ids.map((id) => write(store, id)));
