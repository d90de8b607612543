import { COSTS, frameCost } from '../load/costs.ts';
import type { SubjectLoad, Turn } from '../load/subject-load.ts';
import type { WorkGovernor } from '../load/work-governor.ts';
import type { Frame } from './connection-state.ts';
import type { PeerHold } from './peer-hold.ts';

export interface InboundOptions {
  readonly peer: PeerHold;
  readonly governor: WorkGovernor;
  /** How many connections a frame's events may go to. */
  readonly listeners: number;
  /** Whether frames are handled as they come: only such frames wait for a turn. */
  readonly isOpen: boolean;
  /** A frame whose turn has come. */
  accept(frame: Frame): void;
  /** Called before the frames of a turn, after the peer was not read from. */
  onReleased(): void;
}

/**
 * What comes in over one connection. Its work is charged to its subject; while the subject has used its share, the peer is
 * not read from, and what was read with the last frame is kept until the subject's turn comes.
 */
export class Inbound implements Turn {
  readonly #options: InboundOptions;
  /** What the subject's work is charged to, once the connection is let in. */
  #load: undefined | SubjectLoad;
  #isInLine = false;
  #kept: undefined | { readonly buffer: Buffer; readonly isBinary: boolean }[];

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** The connection was let in. */
  join(subject: string): void {
    this.#load = this.#options.governor.join(subject);
    this.#load.charge(COSTS.connect);
  }

  charge(units: number): void {
    this.#load?.charge(units);
  }

  take(buffer: Buffer, isBinary: boolean): void {
    const { peer, isOpen } = this.#options;
    const load = this.#load;
    const mustWait = peer.holds('fairness') || (load?.mustWait === true && isOpen);
    if (!mustWait || load === undefined) return this.#accept(buffer, isBinary);
    this.#kept ??= [];
    this.#kept.push({ buffer, isBinary });
    this.#wait(load);
  }

  #accept(buffer: Buffer, isBinary: boolean): void {
    this.#load?.charge(frameCost(buffer.length, this.#options.listeners));
    const text = isBinary ? undefined : buffer.toString();
    this.#options.accept({ text, bytes: buffer.length });
  }

  #wait(load: SubjectLoad): void {
    if (this.#isInLine) return;
    this.#isInLine = true;
    this.#options.peer.hold('fairness');
    this.#options.governor.hold(load, this);
  }

  /** Takes a frame that was kept; then the others when there is no need to wait, and reads on. */
  onTurn(): void {
    this.#isInLine = false;
    this.#options.onReleased();
    const load = this.#load;
    for (let next = this.#kept?.shift(); next !== undefined; next = this.#kept?.shift()) {
      this.#accept(next.buffer, next.isBinary);
      if (load?.mustWait === true && this.#kept !== undefined && this.#kept.length > 0)
        return this.#wait(load);
    }
    this.#kept = undefined;
    this.#options.peer.release('fairness');
  }

  /** Reads from the peer whatever the share: only so is it seen that it has closed. */
  stopWaiting(): void {
    this.#load?.leave(this);
    this.#isInLine = false;
    this.#kept = undefined;
    this.#options.peer.release('fairness');
  }

  close(): void {
    this.stopWaiting();
    if (this.#load !== undefined) this.#options.governor.part(this.#load);
    this.#load = undefined;
  }
}
