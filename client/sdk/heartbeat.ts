import type { ClientClock } from './ports.ts';

/** How long the server may take to answer a `ping`. */
export const PING_GRACE_MS = 10_000;
/** The same after a wake: the line has often died unnoticed meanwhile, and a person is looking. */
export const PROBE_GRACE_MS = 4_000;

/** What is known of a line's life. */
export interface Beat {
  readonly intervalMs: number;
  readonly heardAt: number;
  /** The ping that is not answered yet. */
  readonly ping: undefined | { readonly giveUpAt: number };
}

export type BeatAction = 'none' | 'ping' | 'give_up';

/** When something is due; `undefined`: never (the server advertised 0, and nothing was asked). */
export function beatDueAt(beat: Beat): number | undefined {
  if (beat.ping !== undefined) return beat.ping.giveUpAt;
  return beat.intervalMs > 0 ? beat.heardAt + beat.intervalMs : undefined;
}

/** What is due now. */
export function beatStep(beat: Beat, now: number): { readonly beat: Beat; readonly action: BeatAction } {
  const dueAt = beatDueAt(beat);
  if (dueAt === undefined || now < dueAt) return { beat, action: 'none' };
  if (beat.ping !== undefined) return { beat, action: 'give_up' };
  return { beat: { ...beat, ping: { giveUpAt: now + PING_GRACE_MS } }, action: 'ping' };
}

/**
 * Asks a line that is silent for `intervalMs` for a sign of life, and gives it up when none comes.
 * One timer, moved only when it fires: a busy line costs a field's assignment for each frame.
 */
export class Heartbeat {
  readonly #clock: ClientClock;
  readonly #ping: () => void;
  readonly #giveUp: () => void;
  #beat: undefined | Beat;
  #cancel: () => void = () => {};

  constructor(clock: ClientClock, ping: () => void, giveUp: () => void) {
    this.#clock = clock;
    this.#ping = ping;
    this.#giveUp = giveUp;
  }

  start(intervalMs: number): void {
    this.#beat = { intervalMs, heardAt: this.#clock.now(), ping: undefined };
    this.#arm();
  }

  /** A frame came. */
  heard(): void {
    if (this.#beat !== undefined)
      this.#beat = { intervalMs: this.#beat.intervalMs, heardAt: this.#clock.now(), ping: undefined };
  }

  /** Asks at once. */
  probe(): void {
    if (this.#beat === undefined || this.#beat.ping !== undefined) return;
    this.#beat = { ...this.#beat, ping: { giveUpAt: this.#clock.now() + PROBE_GRACE_MS } };
    this.#arm();
    this.#ping();
  }

  stop(): void {
    this.#beat = undefined;
    this.#cancel();
  }

  #arm(): void {
    this.#cancel();
    const dueAt = this.#beat === undefined ? undefined : beatDueAt(this.#beat);
    if (dueAt === undefined) return;
    this.#cancel = this.#clock.after(Math.max(0, dueAt - this.#clock.now()), () => this.#due());
  }

  #due(): void {
    if (this.#beat === undefined) return;
    const { beat, action } = beatStep(this.#beat, this.#clock.now());
    this.#beat = beat;
    if (action === 'give_up') {
      this.stop();
      this.#giveUp();
      return;
    }
    this.#arm();
    if (action === 'ping') this.#ping();
  }
}
