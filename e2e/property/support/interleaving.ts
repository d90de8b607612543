import { Device } from './device.ts';
import type { Nodes } from './nodes.ts';
import { settle } from './settle.ts';
import { type Interleaving, type Step, shouted } from './steps.ts';
import { faultsAtRest, inBrief } from './verdict.ts';

/** More would only make a case longer. */
const MOST_MESSAGES = 8;
const MOMENT_MS = 150;
const REST_MS = 20_000;
const START_MS = 20_000;

export interface Outcome {
  readonly faults: readonly string[];
  readonly events: number;
  readonly returns: number;
  /** Answers that a device watched from beginning to end. */
  readonly watched: number;
  /** And got the end of without all of its chunks. */
  readonly short: number;
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
      short: sum(({ replica }) => replica.short),
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
  const counts = { messages: 0 };
  for (const one of steps) await perform(one, devices[one.device]!, counts);
  const { log, faults } = await settle(devices, nodes);
  return faults.length > 0
    ? [...faults, ...devices.flatMap((device) => device.faults)]
    : faultsAtRest(log, devices);
}

async function perform(step: Step, device: Device, counts: { messages: number }): Promise<void> {
  const { replica } = device;
  switch (step.do) {
    case 'say':
      if (counts.messages++ < MOST_MESSAGES)
        device.say('chat_message', { content: step.content, on_busy: step.on_busy });
      return;
    case 'shout':
      if (counts.messages++ < MOST_MESSAGES) device.say('chat_message', { content: shouted(step.length) });
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
    case 'rest':
      await device.until(() => device.outbox.waiting.length === 0 && replica.runs.size === 0, REST_MS);
      return;
    case 'cut':
    case 'lose':
    case 'come':
    case 'pause':
    case 'resume':
      return device[step.do]();
  }
}

/** What was wrong, with everything that is needed to understand it. */
export function describeFailure(one: Interleaving, { faults, traces }: Outcome, nodes: Nodes): string {
  const traced = Object.entries(traces).map(([name, lines]) => `${name}:\n${lines.join('\n')}`);
  const logged = nodes.warnings.slice(-40).join('\n');
  return [inBrief(faults).join('\n'), JSON.stringify(one), ...traced, logged].join('\n\n');
}
