import type { LogEvent, NewEvent } from '../../protocol/chat/down.ts';
import type { Chunk } from '../../protocol/chat/message.ts';
import type { Clock } from '../clock.ts';
import type { Decide } from '../session/decision.ts';
import { SessionGone } from '../session/gone.ts';
import type { CommandOutcome } from '../session/append-queue.ts';
import type { LiveSession } from '../session/live-session.ts';
import type { Command } from '../session/plan.ts';
import { withinSize } from '../session/session-size.ts';
import { StoreUnavailable } from '../store/store.ts';
import { decideFenced, decideOnce, type Fence } from './fenced.ts';
import { emptyJournal, type Journal, reduceJournal } from './journal.ts';

/**
 * Why an execution stopped before its agent was done:
 * `ended` somebody ended the run (a cancel, an interrupt, the session's expiry), `lost` another process has it,
 * `gone` the session is no longer there, `handover` this process is draining, `timeout` it took too long, `full` the session
 * holds as much as it may.
 */
export type StopReason = 'ended' | 'lost' | 'gone' | 'handover' | 'timeout' | 'full';

/** What the signal of an execution is aborted with, and what every call of a stopped execution rejects with. */
export class RunStopped extends Error {
  override readonly name = 'RunStopped';
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`the execution was stopped: ${reason}`);
    this.reason = reason;
  }
}

export interface RunLogDeps {
  readonly live: LiveSession;
  readonly fence: Fence;
  readonly clock: Clock;
  /** Up to how many bytes of log and chunks the agent may write; `Infinity`: no limit. */
  readonly maxLogBytes: number;
  /** Waits until the session's subject may do more. `undefined`: at once. */
  readonly turn: (signal: AbortSignal) => undefined | Promise<void>;
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1000;

/**
 * One execution's end of the session's log: everything that it writes goes through here with its fence, everything
 * that it knows of its past is the journal, and whoever ends or takes the run stops it here.
 */
export class RunLog {
  readonly fence: Fence;
  readonly live: LiveSession;
  readonly #clock: Clock;
  readonly #maxLogBytes: number;
  /** What the message in flight holds, as far as this execution wrote it. */
  #chunks = { messageId: '', attempt: 0, bytes: 0 };
  readonly #turn: RunLogDeps['turn'];
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #journal: Journal;
  /** The run is not this execution's any more, whatever the agent was stopped for. */
  #isOver = false;

  private constructor(deps: RunLogDeps, seq: number) {
    this.fence = deps.fence;
    this.live = deps.live;
    this.#clock = deps.clock;
    this.#maxLogBytes = deps.maxLogBytes;
    this.#turn = deps.turn;
    this.#journal = emptyJournal(deps.fence.runId, seq);
  }

  /**
   * Reads what the run did after `seq` and goes on listening. Call `close` in the end.
   * @throws StoreUnavailable
   */
  static async open(deps: RunLogDeps, seq: number): Promise<RunLog> {
    const log = new RunLog(deps, seq);
    const early: LogEvent[] = [];
    let isReading = true;
    const unwatch = deps.live.watch((event) => {
      if (isReading) early.push(event);
      else log.#take([event]);
    });
    const unsubscribe = deps.live.subscribe({ advanced: () => {}, gone: () => log.stop('gone') });
    log.#close = () => {
      unwatch();
      unsubscribe();
    };
    try {
      const events = await deps.live.readEvents(seq + 1);
      isReading = false;
      log.#take([...events, ...early]);
    } catch (error) {
      log.close();
      throw error;
    }
    return log;
  }

  #close: () => void = () => {};

  /** Stops listening. */
  close(): void {
    this.#close();
  }

  get journal(): Journal {
    return this.#journal;
  }

  /** Aborted with a `RunStopped`. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Why the agent was stopped, if it was. */
  get stopped(): undefined | StopReason {
    return this.signal.aborted ? (this.signal.reason as RunStopped).reason : undefined;
  }

  stop(reason: StopReason): void {
    if (reason === 'ended' || reason === 'lost' || reason === 'gone') this.#isOver = true;
    if (!this.#stop.signal.aborted) this.#stop.abort(new RunStopped(reason));
  }

  /** Told after each change of the journal. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits until the journal answers something. Rejects when the execution is stopped. */
  async until<T>(find: (journal: Journal) => undefined | T): Promise<T> {
    this.signal.throwIfAborted();
    const found = find(this.#journal);
    if (found !== undefined) return found;
    return await new Promise<T>((resolve, reject) => {
      const end = () => {
        off();
        this.signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(this.signal.reason);
      };
      const off = this.onChange(() => {
        const value = find(this.#journal);
        if (value === undefined) return;
        end();
        resolve(value);
      });
      this.signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /**
   * Appends these events while the run is this execution's, once: `isDone` tells from the journal whether they are in
   * the log already. Tried again while the store is away.
   */
  async append(events: readonly NewEvent[], isDone: (journal: Journal) => boolean): Promise<void> {
    const decide = decideOnce(events, () => isDone(this.#journal));
    await this.execute({ decide, id: undefined, needsPartial: false });
  }

  /**
   * Executes a command with the fence; a rule's own refusal is answered. Rejects when the run is not ours any more, and when
   * the session has no room for it: the run ends then.
   */
  async execute(command: Command): Promise<CommandOutcome> {
    const decide: Decide = withinSize(decideFenced(this.fence, command.decide), this.#maxLogBytes);
    const outcome = await this.retrying(() => this.live.execute({ ...command, decide }));
    // The fence refuses with a conflict; no rule of an execution does.
    if (outcome.kind === 'refused' && outcome.errorType === 'conflict') throw this.#superseded();
    if (outcome.kind === 'refused' && outcome.isFull === true) throw this.#full();
    return outcome;
  }

  /** Waits until the session's subject may do more. `undefined`: at once. Rejects when the execution is stopped. */
  turn(): undefined | Promise<void> {
    return this.#turn(this.signal);
  }

  /** Stores one chunk of the message in flight. */
  async chunk(messageId: string, attempt: number, chunk: Chunk): Promise<void> {
    const json = JSON.stringify(chunk);
    const held = this.#chunks;
    const isSame = held.messageId === messageId && held.attempt === attempt;
    const bytes = (isSame ? held.bytes : 0) + Buffer.byteLength(json);
    if (this.live.standing().logBytes + bytes > this.#maxLogBytes) throw this.#full();
    this.#chunks = { messageId, attempt, bytes };
    const result = await this.retrying(() =>
      this.live.appendChunk(this.fence, messageId, attempt, chunk.index, json),
    );
    if (result === 'fenced') throw this.#superseded();
  }

  /**
   * The last append of the execution: its end, or its handing over; also after the agent was stopped for that.
   * Tried again while the store is away and the run may still be ours. `false`: it was not ours any more.
   */
  async conclude(decide: Decide): Promise<boolean> {
    const command = { decide: decideFenced(this.fence, decide), id: undefined, needsPartial: true };
    for (let delayMs = FIRST_RETRY_MS; !this.#isOver; delayMs = Math.min(2 * delayMs, LONGEST_RETRY_MS)) {
      try {
        return (await this.live.execute(command)).kind === 'applied';
      } catch (error) {
        if (error instanceof SessionGone) return false;
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      await this.#clock.sleep(delayMs);
    }
    return false;
  }

  /** Does `op` again, later and later, while the store is away and the execution is not stopped. */
  async retrying<T>(op: () => Promise<T>): Promise<T> {
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(2 * delayMs, LONGEST_RETRY_MS)) {
      this.signal.throwIfAborted();
      try {
        return await op();
      } catch (error) {
        if (error instanceof SessionGone) {
          this.stop('gone');
          throw this.signal.reason;
        }
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      await this.#clock.sleep(delayMs, this.signal);
    }
  }

  #full(): unknown {
    this.stop('full');
    return this.signal.reason;
  }

  #superseded(): unknown {
    this.stop('lost');
    return this.signal.reason;
  }

  #take(events: readonly LogEvent[]): void {
    const before = this.#journal;
    for (const event of events) this.#journal = reduceJournal(this.#journal, event);
    if (this.#journal === before) return;
    if (this.#journal.finished) this.stop('ended');
    else if (this.#journal.attempt > this.fence.attempt) this.stop('lost');
    for (const listener of [...this.#listeners]) listener();
  }
}
