import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ModelServer } from './testing/model-server.ts';
import { Rig } from './testing/rig.ts';

type Deed =
  | 'send'
  | 'begin'
  | 'restart'
  | 'complete'
  | 'remember'
  | 'cut'
  | 'lose'
  | 'stutter'
  | 'late'
  | 'wake'
  | 'outage';

/** What a person, an agent, the line, the store and the clock may do, in any order. */
type Step =
  | { readonly do: Deed }
  | { readonly do: 'write'; readonly times: number }
  | { readonly do: 'pass'; readonly frames: number }
  | { readonly do: 'wait'; readonly ms: number };

const of = (name: Deed) => fc.constant<Step>({ do: name });
const passing = fc.record({ do: fc.constant('pass' as const), frames: fc.integer({ min: 1, max: 8 }) });
const step = fc.oneof(
  { weight: 6, arbitrary: passing },
  { weight: 3, arbitrary: of('send') },
  { weight: 2, arbitrary: of('begin') },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('write' as const), times: fc.integer({ min: 1, max: 30 }) }),
  },
  { weight: 1, arbitrary: of('restart') },
  { weight: 2, arbitrary: of('complete') },
  { weight: 1, arbitrary: of('remember') },
  { weight: 3, arbitrary: of('cut') },
  { weight: 2, arbitrary: of('stutter') },
  { weight: 1, arbitrary: of('late') },
  { weight: 1, arbitrary: of('outage') },
  { weight: 2, arbitrary: of('wake') },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
  },
);

const LENGTH = { maxLength: 80, size: 'max' } as const;

/** A client, the model server, and the lines between them. */
class World {
  // Always the same session: one made fresh by a line that is cut at once would be another each time.
  readonly rig = new Rig({ sessionId: 'session-1' });
  readonly server = new ModelServer();
  readonly sent: string[] = [];

  constructor() {
    this.rig.transport.onOpen = (socket) => {
      this.server.accept(socket);
    };
    this.rig.client.connect();
    this.settle();
  }

  get line() {
    return this.server.lines.at(-1);
  }

  pass(times = 1): boolean {
    // A socket opens before anything passes it; the driver does so by itself.
    if (this.rig.state === 'connecting') this.rig.socket.open();
    return this.line?.pass(times) ?? false;
  }

  do(what: Step): void {
    const { server, rig } = this;
    switch (what.do) {
      case 'send':
        this.sent.push(rig.client.send(`message ${this.sent.length}`).id);
        break;
      case 'begin':
        server.begin();
        break;
      case 'write':
        for (let i = 0; i < what.times; i++) server.write(`${server.streamed.length} `);
        break;
      case 'restart':
        server.restart();
        break;
      case 'complete':
        server.complete();
        break;
      case 'remember':
        server.remember();
        break;
      case 'pass':
        for (let i = 0; i < what.frames; i++) this.pass();
        break;
      case 'stutter':
        this.pass(2);
        break;
      // Lines that the client has given up, and that the network has not.
      case 'late':
        for (const line of server.lines.slice(0, -1)) line.pass();
        break;
      case 'cut':
        this.line?.cut();
        break;
      case 'lose':
        this.line?.lose();
        break;
      case 'outage':
        server.storeAway = !server.storeAway;
        break;
      case 'wake':
        rig.wake();
        break;
      case 'wait':
        rig.clock.advance(what.ms);
        break;
    }
  }

  /** The line holds from here on, until nothing is left to be said. */
  settle(): void {
    this.server.storeAway = false;
    for (let i = 0; i < 1000; i++) {
      while (this.pass());
      if (this.rig.state === 'connected' && this.rig.client.outbox().length === 0) return;
      this.rig.clock.advance(500);
    }
  }
}

/** What must hold whatever was done, once the line holds. */
function expectSame({ rig, server, sent }: World): void {
  const { conversation } = rig.client;
  expect(rig.state).toBe('connected');
  expect(conversation.messages.map((m) => [m.seq, m.id, m.parts])).toEqual(
    server.messages
      .slice(-conversation.messages.length || Number.POSITIVE_INFINITY)
      .map((m) => [m.seq, m.id, m.parts]),
  );
  // Each message of the person's is in the log once, in the order in which they were written.
  expect(server.messages.filter((m) => m.role === 'user').map((m) => m.id)).toEqual(sent);
  expect(rig.client.outbox()).toEqual([]);
  expect(conversation.outgoing).toEqual([]);
  expect((conversation.streaming?.parts ?? []).map((p) => p.text).join('')).toBe(server.streamed);
  expect(conversation.context.memory.count).toBe(
    server.log.findLast((e) => e.type === 'context_updated')?.seq,
  );
  expect(conversation.contextSeq).toBe(server.seq);
  // What is listened to while there is a line: nothing leaks with the lines.
  expect(rig.listeners).toBe(1);
}

it('CLI-10 whatever is cut, doubled and delayed: the log, each event exactly once and in order', () => {
  fc.assert(
    fc.property(fc.array(step, LENGTH), (steps) => {
      const world = new World();
      for (const one of steps) world.do(one);
      world.settle();
      expectSame(world);
      // No more than 20 events were ever missed at once by less than a snapshot: between two snapshots there is no hole.
      const { events } = world.rig;
      let last = 0;
      for (const e of events) {
        if (e.type === 'restored' && e.restored?.mode === 'snapshot') last = e.session.position.seq;
        if (e.type !== 'event') continue;
        expect(e.event.seq).toBe(last + 1);
        expect(e.event).toEqual(world.server.log[last]);
        last = e.event.seq;
      }
      expect(last).toBe(world.server.seq);
    }),
    { numRuns: 400 },
  );
});

it('CLI-11 whatever is cut: the text of an answer only ever grows, until it is restarted or complete', () => {
  fc.assert(
    fc.property(fc.array(step, LENGTH), (steps) => {
      const world = new World();
      let shown: { key: string; text: string } = { key: '', text: '' };
      world.rig.client.subscribe((e) => {
        if (e.type !== 'conversation') return;
        const { streaming, messages } = e.conversation;
        if (streaming === null) {
          // It goes only for its whole message: never a moment without the text.
          if (shown.text !== '' && messages.every((m) => `${m.id}` !== shown.key.split('/')[0]))
            throw new Error(`the text of ${shown.key} went`);
          shown = { key: '', text: '' };
          return;
        }
        const key = `${streaming.messageId}/${streaming.attempt}`;
        const text = streaming.parts.map((p) => p.text).join('');
        if (key === shown.key) expect(text.startsWith(shown.text)).toBe(true);
        shown = { key, text };
      });
      for (const one of steps) world.do(one);
      world.settle();
    }),
    { numRuns: 300 },
  );
});

it('CLI-10 also when frames are lost on a line that holds: the gap is found, and filled', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 6, arbitrary: step }, { weight: 1, arbitrary: of('lose') }), LENGTH),
      (steps) => {
        const world = new World();
        for (const one of steps) world.do(one);
        // What was lost without anything after it is only found by the next: one more event, and a new line.
        world.settle();
        world.line?.cut();
        world.settle();
        expectSame(world);
        const seqs = world.rig.seqs;
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      },
    ),
    { numRuns: 300 },
  );
});
