import type { LogEvent } from '../../../protocol/chat/down.ts';
import { Device, type Habit } from '../../property/support/device.ts';
import { again, settle } from '../../property/support/settle.ts';
import type { Nodes } from '../../property/support/nodes.ts';
import {
  faultsAtRest,
  faultsOfSession,
  inBrief,
  promisedSeq,
  readLog,
} from '../../property/support/verdict.ts';
import { Chance } from './chance.ts';

const HABITS: readonly Habit[] = ['position', 'partial', 'partial', 'snapshot', 'partial'];
const START_MS = 20_000;
/** How long a talker waits for something to happen before it looks again. */
const LOOK_MS = 200;
/** What it leaves unanswered before it says more. */
const MOST_WAITING = 3;
const MOST_RUNS = 4;

export interface LoadOptions {
  readonly sessions: number;
  readonly chance: Chance;
  /** Where a device's next line goes; to the servers themselves without it. */
  readonly url?: undefined | (() => string);
  readonly patienceMs?: undefined | number;
}

/** A session that two devices talk in, all the time. */
class Talk {
  readonly devices: readonly Device[];
  readonly #chance: Chance;
  #isOver = false;
  #asked = new Set<string>();
  #talking: undefined | Promise<unknown>;

  constructor(devices: readonly Device[], chance: Chance) {
    this.devices = devices;
    this.#chance = chance;
  }

  begin(): void {
    this.#talking = Promise.all(this.devices.map((device) => this.#talk(device)));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#talking;
  }

  async #talk(device: Device): Promise<void> {
    const { outbox, replica } = device;
    const isReady = () =>
      this.#isOver ||
      replica.inputs.size > 0 ||
      (outbox.waiting.length < MOST_WAITING && replica.runs.size < MOST_RUNS);
    while (!this.#isOver) {
      if (!(await device.until(isReady, LOOK_MS))) continue;
      if (this.#isOver) return;
      const open = [...replica.inputs].filter((request_id) => !this.#asked.has(request_id));
      for (const request_id of open) {
        this.#asked.add(request_id);
        device.say('input_respond', { responses: [{ request_id, approved: true }] });
      }
      if (outbox.waiting.length >= MOST_WAITING || replica.runs.size >= MOST_RUNS) {
        const { frames } = device;
        await device.until(() => device.frames > frames, LOOK_MS);
      } else this.#say(device);
    }
  }

  #say(device: Device): void {
    const chance = this.#chance;
    const n = chance.between(1, 99);
    if (n <= 15)
      return void device.say('context_update', { memory: { [`v${n}`]: device.outbox.messages.length } });
    const content = chance.pick([
      `count to ${chance.between(1, 25)}`,
      `count to ${chance.between(1, 8)}`,
      `calc ${n} * ${chance.between(1, 99)}`,
      `remember v${n} is w${n}`,
      `something to be said, number ${n}`,
      n > 70 ? `plan p${n}` : `count to ${chance.between(5, 15)}`,
    ]);
    device.say('chat_message', { content });
  }
}

/** Several sessions that are talked in without a pause, whatever happens to the servers and the lines. */
export class Load implements AsyncDisposable {
  readonly #nodes: Nodes;
  readonly #talks: readonly Talk[];

  private constructor(nodes: Nodes, talks: readonly Talk[]) {
    this.#nodes = nodes;
    this.#talks = talks;
  }

  static async start(nodes: Nodes, { sessions, chance, url, patienceMs = 0 }: LoadOptions): Promise<Load> {
    let opened = 0;
    const next = url ?? (() => nodes.url(opened++));
    const open = async (name: string, sessionId: undefined | string) => {
      const device = new Device({ name, url: next, habits: HABITS, sessionId, patienceMs });
      device.come();
      if (!(await device.until(() => device.isUp, START_MS))) throw new Error(`${name} was not let in`);
      return device;
    };
    const talks = await Promise.all(
      Array.from({ length: sessions }, async (_, i) => {
        const a = await open(`talk${i}-a`, undefined);
        const b = await open(`talk${i}-b`, a.replica.sessionId);
        return new Talk([a, b], new Chance(chance.between(0, 2 ** 31)));
      }),
    );
    for (const talk of talks) talk.begin();
    return new Load(nodes, talks);
  }

  get devices(): readonly Device[] {
    return this.#talks.flatMap((talk) => talk.devices);
  }

  /** How many messages were acknowledged. */
  get acknowledged(): number {
    return this.devices.reduce((sum, { outbox }) => sum + outbox.answers.size, 0);
  }

  /** What is wrong by now: nothing that anybody was told may be missing from the log, or be another. */
  async check(): Promise<string[]> {
    const faults = await Promise.all(
      this.#talks.map(async ({ devices }) => {
        const promised = Math.max(...devices.map(promisedSeq));
        const { sessionId = '', position } = devices[0]!.replica;
        const log = await again(() => readLog(this.#nodes.url(0), sessionId, position?.epoch ?? ''));
        if (log instanceof Error) return [`the log could not be read: ${log.message}`];
        const lost =
          log.length < promised ? [`${promised} events were promised, there are ${log.length}`] : [];
        return this.#explained(devices, [...lost, ...faultsOfSession(log, devices, false)]);
      }),
    );
    return faults.flat();
  }

  /** Nobody says anything more; everything comes to its end. What is wrong then. */
  async finish(): Promise<{ readonly faults: readonly string[]; readonly figures: Figures }> {
    await Promise.all(this.#talks.map((talk) => talk.end()));
    const logs: (readonly string[])[] = [];
    const faults = await Promise.all(
      this.#talks.map(async ({ devices }) => {
        const { log, faults } = await settle(devices, this.#nodes);
        logs.push(log);
        const unsettled = [...faults, ...devices.flatMap((device) => device.faults)];
        return this.#explained(devices, faults.length > 0 ? unsettled : faultsAtRest(log, devices));
      }),
    );
    return { faults: faults.flat(), figures: figuresOf(logs.flat(), this.devices) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#talks.map((talk) => talk.end()));
    for (const device of this.devices) device.dispose();
  }

  #explained(devices: readonly Device[], faults: readonly string[]): string[] {
    if (faults.length === 0) return [];
    return [...inBrief(faults), ...devices.map((device) => `${device.name}:\n${device.trace.join('\n')}`)];
  }
}

export type Figures = Readonly<
  Record<
    'events' | 'messages' | 'runs' | 'takeovers' | 'returns' | 'outOfReach' | 'watched' | 'short',
    number
  >
>;

function figuresOf(log: readonly string[], devices: readonly Device[]): Figures {
  const events = log.map((raw) => JSON.parse(raw) as LogEvent);
  const count = (type: LogEvent['type']) => events.filter((event) => event.type === type).length;
  const sum = (of: (device: Device) => number) => devices.reduce((total, device) => total + of(device), 0);
  return {
    events: events.length,
    messages: count('message_created'),
    runs: count('run_finished'),
    takeovers: count('run_recovering'),
    returns: sum((device) => device.returns),
    outOfReach: sum(({ outbox }) => outbox.outOfReach),
    watched: sum(({ replica }) => replica.watched),
    short: sum(({ replica }) => replica.short),
  };
}

export function inWords(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${value} ${name}`)
    .join(', ');
}
