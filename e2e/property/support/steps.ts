import fc from 'fast-check';
import type { UpInput } from '../../../protocol/chat/up.ts';
import type { Habit } from './device.ts';

/** What may happen next, to one of two devices. */
export type Step = { readonly device: 0 | 1 } & (
  | { readonly do: 'say'; readonly content: string; readonly on_busy: 'enqueue' | 'reject' | 'interrupt' }
  /** A text of about 90 kB, or of nearly 400 kB. */
  | { readonly do: 'shout'; readonly length: 'long' | 'longest' }
  | { readonly do: 'update'; readonly data: UpInput<'context_update'> }
  | { readonly do: 'cancel' }
  | { readonly do: 'retry' }
  | { readonly do: 'answer'; readonly approved: boolean }
  | { readonly do: 'cut' }
  | { readonly do: 'lose' }
  | { readonly do: 'come' }
  | { readonly do: 'pause' }
  | { readonly do: 'resume' }
  /** Goes on once so many more frames came, or after a moment. */
  | { readonly do: 'let'; readonly frames: number }
  /** Goes on once everything was answered, as far as this device knows. */
  | { readonly do: 'rest' }
);

export interface Interleaving {
  readonly steps: readonly Step[];
  /** How each device comes back, in turn, and to which node. */
  readonly habits: readonly (readonly Habit[])[];
  readonly picks: readonly number[];
}

const key = fc.constantFrom('city', 'name', 'size');
const value = fc.constantFrom('one', 'two', 'three', 'four');
const content = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }).map((n) => `count to ${n}`) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(99), fc.nat(99)).map(([a, b]) => `calc ${a} * ${b}`),
  },
  { weight: 1, arbitrary: fc.constant('calc 1 +') },
  { weight: 2, arbitrary: fc.tuple(key, value).map(([k, v]) => `remember ${k} is ${v}`) },
  { weight: 1, arbitrary: key.map((k) => `recall ${k}`) },
  { weight: 1, arbitrary: value.map((v) => `plan ${v}`) },
  {
    weight: 4,
    arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((s) => s.trim() !== ''),
  },
);
const SHOUTS = {
  long: 'What is said here takes its time. '.repeat(2700),
  longest: '\u{1d11e}'.repeat(95_000),
};

export const shouted = (length: keyof typeof SHOUTS): string => SHOUTS[length];

const shout = (length: keyof typeof SHOUTS, weight: number) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant('shout' as const), length: fc.constant(length) }),
});
const deed = (name: 'cancel' | 'retry' | 'cut' | 'lose' | 'come' | 'pause' | 'resume', weight: number) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(name) }),
});
const letting = (weight: number) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant('let' as const), frames: fc.integer({ min: 1, max: 12 }) }),
});
const action = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      content,
      on_busy: fc.constantFrom('enqueue', 'enqueue', 'enqueue', 'reject', 'interrupt'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      data: fc.record({ memory: fc.dictionary(key, fc.option(fc.nat(9)), { minKeys: 1, maxKeys: 2 }) }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer' as const), approved: fc.boolean() }) },
  letting(12),
  deed('cancel', 2),
  deed('retry', 1),
  deed('cut', 3),
  deed('lose', 3),
  deed('come', 4),
  deed('pause', 1),
  deed('resume', 2),
  shout('long', 1),
);
const step = (device: 0 | 1 | undefined, what: fc.Arbitrary<object>) =>
  fc
    .tuple(device === undefined ? fc.constantFrom(0, 1) : fc.constant(device), what)
    .map(([by, action]) => ({ device: by, ...action }) as Step);
const habits = fc.array(fc.constantFrom<Habit>('position', 'partial', 'partial', 'snapshot'), {
  minLength: 1,
  maxLength: 6,
});

const picks = fc.array(fc.nat(1), { minLength: 1, maxLength: 5 });

export const interleaving: fc.Arbitrary<Interleaving> = fc.record({
  steps: fc.array(step(undefined, action), { minLength: 8, maxLength: 40, size: 'max' }),
  habits: fc.tuple(habits, habits),
  picks,
});

/** One device shouts, and the other does not read: more than any socket between them holds. Then anything goes. */
export const shouting: fc.Arbitrary<Interleaving> = fc.record({
  steps: fc
    .tuple(
      fc.integer({ min: 6, max: 8 }),
      fc.array(
        fc.oneof(
          step(0, fc.oneof(letting(4), deed('cancel', 1))),
          step(1, fc.oneof(deed('pause', 3), deed('resume', 3), deed('lose', 2), letting(2))),
        ),
        { minLength: 8, maxLength: 20, size: 'max' },
      ),
    )
    .map(([shouts, steps]): Step[] => [
      { device: 1, do: 'pause' },
      ...Array.from({ length: shouts }, () => SHOUTED).flat(),
      { device: 0, do: 'rest' },
      ...steps,
    ]),
  habits: fc.tuple(habits, habits),
  picks,
});

/** A shout and, as a rule, its answer. */
const SHOUTED: readonly Step[] = [
  { device: 0, do: 'shout', length: 'longest' },
  { device: 0, do: 'let', frames: 6 },
  { device: 0, do: 'let', frames: 5 },
];
