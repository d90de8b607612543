import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { UpInput } from '../../../protocol/chat/up.ts';
import { Device, type Habit } from './device.ts';
import type { Nodes } from './nodes.ts';
import { faultsAtRest, readLog } from './verdict.ts';

/** What may happen next, to one of two devices. */
type Step = { readonly device: 0 | 1 } & (
  | { readonly do: 'say'; readonly content: string; readonly on_busy: 'enqueue' | 'reject' | 'interrupt' }
  /** As much text as makes a slow reader fall behind. */
  | { readonly do: 'shout' }
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
const deed = (
  name: 'cancel' | 'retry' | 'cut' | 'lose' | 'come' | 'pause' | 'resume' | 'shout',
  weight: number,
) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(name) }),
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
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('let' as const), frames: fc.integer({ min: 1, max: 12 }) }),
  },
  deed('cancel', 2),
  deed('retry', 1),
  deed('cut', 3),
  deed('lose', 3),
  deed('come', 4),
  deed('pause', 1),
  deed('resume', 2),
  deed('shout', 1),
);
const step = fc
  .tuple(fc.constantFrom(0 as const, 1 as const), action)
  .map(([device, what]) => ({ device, ...what }) as Step);
const habits = fc.array(fc.constantFrom<Habit>('position', 'partial', 'partial', 'snapshot'), {
  minLength: 1,
  maxLength: 6,
});

export const interleaving: fc.Arbitrary<Interleaving> = fc.record({
  steps: fc.array(step, { minLength: 8, maxLength: 40, size: 'max' }),
  habits: fc.tuple(habits, habits),
  picks: fc.array(fc.nat(1), { minLength: 1, maxLength: 5 }),
});

/** More would only make a case longer. */
const MOST_MESSAGES = 8;
const MOST_SHOUTS = 2;
const SHOUT = 'What is said here is long enough to fill a socket. '.repeat(1800);
const MOMENT_MS = 150;
const START_MS = 20_000;
const SETTLE_MS = 60_000;

export interface Outcome {
  readonly faults: readonly string[];
  readonly events: number;
  readonly returns: number;
  /** Answers that a device watched from beginning to end. */
  readonly watched: number;
  readonly refused: number;
  readonly traces: Readonly<Record<string, readonly string[]>>;
}

/** Does one interleaving in a session of its own, heals everything, and says what is wrong at the end. */
export async function play(
  name: string,
  { steps, habits, picks }: Interleaving,
  nodes: Nodes,
): Promise<Outcome> {
  const devices: Device[] = [];
  try {
    const faults = await playOn(devices, name, steps, habits, picks, nodes).catch((error: Error) => [
      String(error.stack),
    ]);
    const sum = (of: (device: Device) => number) => devices.reduce((total, device) => total + of(device), 0);
    return {
      faults,
      events: Math.max(0, ...devices.map(({ replica }) => replica.position?.seq ?? 0)),
      returns: sum((device) => device.returns),
      watched: sum(({ replica }) => replica.watched),
      refused: sum(({ outbox }) => [...outbox.answers.values()].filter((a) => a.kind === 'refused').length),
      traces: Object.fromEntries(devices.map((device) => [device.name, device.trace])),
    };
  } finally {
    for (const device of devices) device.dispose();
  }
}

async function playOn(
  devices: Device[],
  name: string,
  steps: readonly Step[],
  habits: Interleaving['habits'],
  picks: readonly number[],
  nodes: Nodes,
): Promise<readonly string[]> {
  let opened = 0;
  const url = () => nodes.url(picks[opened++ % picks.length] ?? 0);
  for (const i of [0, 1]) {
    const sessionId = devices[0]?.replica.sessionId;
    const device = new Device({ name: `${name}-${'ab'[i]}`, url, habits: habits[i] ?? [], sessionId });
    devices.push(device);
    device.come();
    if (!(await device.until(() => device.isUp, START_MS))) return [`${device.name} was not let in`];
  }
  const counts = { messages: 0, shouts: 0 };
  for (const one of steps) await perform(one, devices[one.device]!, counts);
  const { log, faults } = await settle(devices, nodes);
  return faults.length > 0
    ? [...faults, ...devices.flatMap((device) => device.faults)]
    : faultsAtRest(log, devices);
}

async function perform(
  step: Step,
  device: Device,
  counts: { messages: number; shouts: number },
): Promise<void> {
  const { replica } = device;
  switch (step.do) {
    case 'say':
      if (counts.messages++ < MOST_MESSAGES)
        device.say('chat_message', { content: step.content, on_busy: step.on_busy });
      return;
    case 'shout':
      if (counts.messages++ < MOST_MESSAGES && counts.shouts++ < MOST_SHOUTS)
        device.say('chat_message', { content: SHOUT });
      return;
    case 'update':
      device.say('context_update', step.data);
      return;
    case 'cancel': {
      const [run_id] = replica.runs;
      if (run_id !== undefined) device.say('run_cancel', { run_id });
      return;
    }
    case 'retry':
      if (replica.lastRun !== undefined && counts.messages++ < MOST_MESSAGES)
        device.say('run_retry', { run_id: replica.lastRun });
      return;
    case 'answer': {
      const responses = [...replica.inputs].map((request_id) => ({ request_id, approved: step.approved }));
      if (responses.length > 0) device.say('input_respond', { responses });
      return;
    }
    case 'let': {
      const until = device.frames + step.frames;
      await device.until(() => device.frames >= until, MOMENT_MS);
      return;
    }
    case 'cut':
    case 'lose':
    case 'come':
    case 'pause':
    case 'resume':
      return device[step.do]();
  }
}

/**
 * Everybody comes back and listens, and questions are answered, until nothing waits or is at work any more. Answers the
 * log as every node shows it, or what is wrong.
 */
export async function settle(
  devices: readonly Device[],
  nodes: Nodes,
  withinMs = SETTLE_MS,
): Promise<{ readonly log: readonly string[]; readonly faults: readonly string[] }> {
  const deadline = performance.now() + withinMs;
  const asked = new Set<string>();
  for (const device of devices) {
    device.resume();
    device.come();
  }
  for (;;) {
    if (devices.every(isQuiet)) {
      const logs = await readLogs(devices, nodes);
      if (logs instanceof Error) return { log: [], faults: [`the log could not be read: ${logs.message}`] };
      const [log = []] = logs;
      // What a device has not read yet may wait in its socket.
      if (
        isOver(log) &&
        devices.every((device) => isQuiet(device) && device.replica.position?.seq === log.length)
      ) {
        const same = logs.every((other) => JSON.stringify(other) === JSON.stringify(log));
        return { log, faults: same ? [] : ['the nodes have different logs'] };
      }
    }
    const left = deadline - performance.now();
    if (left <= 0)
      return {
        log: [],
        faults: devices.map((device) => `${device.name} did not settle: ${stateOf(device)}`),
      };
    for (const device of devices)
      for (const request_id of device.replica.inputs) {
        if (asked.has(request_id)) continue;
        asked.add(request_id);
        device.say('input_respond', { responses: [{ request_id, approved: true }] });
      }
    await Promise.race(devices.map((device) => changes(device, Math.min(left, MOMENT_MS))));
  }
}

function isQuiet({ isUp, outbox, replica }: Device): boolean {
  return isUp && outbox.waiting.length === 0 && replica.runs.size === 0;
}

/** Whether nothing is at work at the end of the log: every run that was queued has ended. */
function isOver(log: readonly string[]): boolean {
  const count = (type: string) => log.filter((raw) => raw.startsWith(`{"type":"${type}"`)).length;
  return count('run_queued') === count('run_finished');
}

function changes(device: Device, withinMs: number): Promise<boolean> {
  const { frames } = device;
  return device.until(() => device.frames > frames, withinMs);
}

function stateOf({ isUp, outbox, replica }: Device): string {
  const { runs, inputs, position } = replica;
  return JSON.stringify({ isUp, waiting: outbox.waiting, runs: [...runs], inputs: [...inputs], position });
}

/** The log through every node. One that is killed in this moment will be back. */
async function readLogs(devices: readonly Device[], nodes: Nodes): Promise<string[][] | Error> {
  const { sessionId = '', position } = devices[0]!.replica;
  const logs: string[][] = [];
  for (const { url } of nodes.servers) {
    const log = await again(() => readLog(url, sessionId, position?.epoch ?? ''));
    if (log instanceof Error) return log;
    logs.push(log);
  }
  return logs;
}

export async function again<T>(work: () => Promise<T>): Promise<T | Error> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    const result = await work().catch((error: Error) => error);
    if (!(result instanceof Error) || performance.now() > deadline) return result;
    await sleep(100);
  }
}
