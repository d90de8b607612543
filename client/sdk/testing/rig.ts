import { HoldfastClient } from '../client.ts';
import type { WakeSignals } from '../ports.ts';
import type { ClientEvent, ClientOptions } from '../types.ts';
import { established, restored, success } from './frames.ts';
import { ManualClock } from './manual-clock.ts';
import { type ScriptedSocket, ScriptedTransport } from './scripted-transport.ts';
import { seededRandom } from './seeded-random.ts';

/** A client with everything around it in the hands of the test. */
export class Rig {
  readonly clock: ManualClock;
  readonly transport: ScriptedTransport;
  readonly client: HoldfastClient;
  readonly events: ClientEvent[] = [];
  readonly #wakes = new Set<() => void>();

  constructor(options: Partial<ClientOptions> = {}) {
    this.clock = new ManualClock();
    this.transport = new ScriptedTransport();
    const signals: WakeSignals = {
      subscribe: (wake) => {
        this.#wakes.add(wake);
        return () => void this.#wakes.delete(wake);
      },
    };
    this.client = new HoldfastClient({
      url: 'ws://server:8000',
      clientId: 'tester',
      apiKey: 'key-1',
      transport: this.transport,
      clock: this.clock,
      random: seededRandom(1),
      signals,
      ...options,
    });
    this.client.subscribe((event) => this.events.push(event));
  }

  get socket(): ScriptedSocket {
    return this.transport.socket;
  }

  get state(): string {
    return this.client.state.name;
  }

  /** Who listens to the world. */
  get listeners(): number {
    return this.#wakes.size;
  }

  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Up to the client's `connect`. */
  open(): ScriptedSocket {
    if (this.state === 'idle') this.client.connect();
    this.socket.open();
    this.socket.say(established);
    return this.socket;
  }

  /** A fresh session. */
  fresh(more: Parameters<typeof success>[1] = {}): ScriptedSocket {
    const socket = this.open();
    socket.say(success(0, { outcome: 'fresh', ...more }));
    return socket;
  }

  /** Lets the backoff pass, and comes in again up to `connect`. */
  reopen(): ScriptedSocket {
    if (this.client.state.name === 'waiting')
      this.clock.advance(this.client.state.retryAt - this.clock.now());
    return this.open();
  }

  /** A restore with nothing missed, unless `more` says otherwise. */
  restore(
    seq: number,
    more: Parameters<typeof restored>[0] = {},
    session: Parameters<typeof success>[1] = {},
  ): ScriptedSocket {
    const socket = this.reopen();
    socket.say(success(seq, session));
    socket.say(restored({ outcome: session.outcome ?? 'restored', ...more }));
    return socket;
  }

  of<T extends ClientEvent['type']>(type: T): Extract<ClientEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<ClientEvent, { type: T }> => event.type === type);
  }

  /** The places of the log's events that were told, in order. */
  get seqs(): number[] {
    return this.of('event').map(({ event }) => event.seq);
  }
}
