import fc from 'fast-check';
import type { Role } from '../../protocol/chat/message.ts';
import type { AppendRequest, Lease } from '../../server/store/store.ts';

/** One random step. `s` picks a session, `c` a connection, `dt` moves time; offsets are from what the model holds. */
export type Command = { readonly s: number; readonly dt: number } & (
  | { readonly op: 'create'; readonly attach: undefined | number; readonly max: number }
  | {
      readonly op: 'open';
      readonly position: undefined | { readonly back: number; readonly wrong: 'none' | 'tag' | 'epoch' };
      readonly maxReplay: number;
      readonly page: number;
      readonly maxBytes: number;
      readonly attach: undefined | number;
      readonly mediumMs: number;
      readonly ignoreExpiry: boolean;
      readonly partial: undefined | { readonly m: number; readonly attempt: number; readonly next: number };
    }
  | {
      readonly op: 'append';
      readonly offset: number;
      readonly otherEpoch: boolean;
      readonly tag: undefined | 'right' | 'another';
      readonly roles: readonly (undefined | Role)[];
      readonly cells: Readonly<Record<string, string>>;
      readonly ids: readonly number[];
      readonly annotate: undefined | number;
      readonly drop: undefined | { readonly m: number; readonly attempt: number; readonly off: number };
      readonly lease: AppendRequest['lease'];
      readonly holdMs: undefined | number;
      readonly alarmAt: undefined | null | number;
      readonly again: boolean;
    }
  | {
      readonly op: 'chunk';
      readonly m: number;
      readonly attempt: number;
      readonly off: number;
      readonly fence: Omit<Lease, 'until'>;
    }
  | { readonly op: 'read'; readonly from: number; readonly limit: number; readonly maxBytes: number }
  | {
      readonly op: 'history';
      readonly before: undefined | number;
      readonly limit: number;
      readonly maxBytes: number;
      readonly roles: undefined | readonly Role[];
    }
  | { readonly op: 'touch' | 'detach'; readonly c: number; readonly node: string }
  | { readonly op: 'renew'; readonly lease: Lease }
  | { readonly op: 'expire'; readonly force: boolean; readonly archiveMs: number }
  | { readonly op: 'alarm'; readonly alarmAt: undefined | number }
  | { readonly op: 'title' | 'erase' }
);

export const IDS = ['client-id-0', 'client-id-1', 'client-id-2', '!fin:run-0'];
export const NODES = ['node-a', 'node-b'];

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<undefined | T> =>
  fc.option(arbitrary, { nil: undefined });
const upTo = (max: number) => fc.nat({ max });
const often = <T>(usual: T, ...rare: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...rare) });

const role = fc.constantFrom<Role>('user', 'assistant', 'system');
const fence = fc.record({
  runId: often('run-0', 'run-1'),
  attempt: often(1, 2),
  owner: often('node-a', 'node-b'),
});
const lease = fc
  .record({ until: fc.constantFrom(0, 500), fence })
  .map(({ until, fence: f }) => ({ ...f, until }));
const leaseChange: fc.Arbitrary<AppendRequest['lease']> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: lease.map((set) => ({ set })) },
  { weight: 1, arbitrary: fc.record({ held: lease, clear: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ clear: true as const }) },
);
/** Nothing but the one event that there always is, a few, or all. An event of these runs has about 100 bytes. */
const maxBytes = fc.constantFrom(0, 250, 1_048_576);
const cellText = fc.constantFrom('{}', '[]', 'null', '{"a":1}');

const steps: fc.Arbitrary<object>[] = [
  fc.record({ op: fc.constant('create'), attach: maybe(upTo(2)), max: often(0, 1, 2) }),
  fc.record({
    op: fc.constant('open'),
    position: maybe(
      fc.record({ back: fc.integer({ min: -1, max: 6 }), wrong: often('none', 'tag', 'epoch') }),
    ),
    maxReplay: fc.constantFrom(0, 2, 1000),
    page: fc.constantFrom(1, 3, 50),
    maxBytes,
    attach: maybe(upTo(2)),
    mediumMs: often(300_000, 1_000),
    ignoreExpiry: often(false, true),
    partial: maybe(fc.record({ m: upTo(1), attempt: often(1, 2), next: upTo(3) })),
  }),
  fc.record({
    op: fc.constant('append'),
    offset: often(0, -1, -2, 1),
    otherEpoch: often(false, true),
    tag: often('right' as const, undefined, 'another' as const),
    roles: fc.array(maybe(role), { minLength: 1, maxLength: 4 }),
    cells: fc.dictionary(fc.constantFrom('memory', 'runs'), cellText, { noNullPrototype: true }),
    ids: fc.uniqueArray(upTo(IDS.length - 1), { maxLength: 2 }),
    annotate: maybe(upTo(5)),
    drop: maybe(fc.record({ m: upTo(1), attempt: often(1, 2), off: often(0, -1, 1) })),
    lease: leaseChange,
    holdMs: maybe(fc.constantFrom(0, 400_000)),
    alarmAt: fc.oneof(fc.constant(undefined), fc.constant(null), fc.integer({ min: 1, max: 9 })),
    again: often(false, true),
  }),
  fc.record({
    op: fc.constant('chunk'),
    m: often(0, 1),
    attempt: often(1, 2),
    off: often(0, -1, 1),
    fence,
  }),
  fc.record({ op: fc.constant('read'), from: fc.integer({ min: 1, max: 12 }), limit: upTo(5), maxBytes }),
  fc.record({
    op: fc.constant('history'),
    before: maybe(fc.integer({ min: 1, max: 12 })),
    limit: fc.integer({ min: 1, max: 4 }),
    maxBytes,
    roles: maybe(fc.uniqueArray(role, { minLength: 1 })),
  }),
  fc.record({ op: fc.constantFrom('touch', 'detach'), c: upTo(2), node: fc.constantFrom(...NODES) }),
  fc.record({ op: fc.constant('renew'), lease }),
  fc.record({ op: fc.constant('expire'), force: often(false, true), archiveMs: often(1000, 0) }),
  fc.record({ op: fc.constant('alarm'), alarmAt: maybe(fc.integer({ min: 1, max: 9 })) }),
  fc.record({ op: often('title', 'erase') }),
];
/** What sessions are made of comes often, what ends them seldom. */
const weights = [2, 4, 8, 6, 1, 2, 2, 1, 1, 1, 1];

const command = fc
  .tuple(
    // Mostly one session, so that much happens to it.
    often(0, 1, 2),
    often(0, 1, 1_000, 60_000, 60_001, 240_000, 300_001),
    fc.oneof(...steps.map((arbitrary, i) => ({ arbitrary, weight: weights[i] ?? 1 }))),
  )
  .map(([s, dt, step]) => ({ ...step, s, dt }) as Command);

/** Two sessions, and a run at work in the first: nearly every interesting sequence begins so. */
const BEGINNING: readonly Command[] = [
  { op: 'create', s: 0, dt: 0, attach: 0, max: 0 },
  { op: 'create', s: 1, dt: 1, attach: undefined, max: 0 },
  {
    op: 'append',
    s: 0,
    dt: 0,
    offset: 0,
    otherEpoch: false,
    tag: undefined,
    roles: ['user', undefined],
    cells: {},
    ids: [0],
    annotate: undefined,
    drop: undefined,
    lease: { set: { runId: 'run-0', attempt: 1, owner: 'node-a', until: 500 } },
    holdMs: undefined,
    alarmAt: undefined,
    again: false,
  },
];

export const commands = fc
  .array(command, { minLength: 5, maxLength: 60, size: '+1' })
  .map((rest) => [...BEGINNING, ...rest]);
