import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import type { AppendResult, ChunkBuffer, KnownId, Store } from '../store/store.ts';
import type { AppendDecision, Decision, PartialMessage, Refusal } from './decision.ts';
import { type GoneReason, SessionGone } from './gone.ts';
import { type Command, type Plan, type PlanBase, plan } from './plan.ts';
import { ANY_DIGEST } from './repair.ts';

/** What a command came to. */
export type CommandOutcome =
  /** Stored. `seq` is the event that the acknowledgement names, `lastSeq` the last one of the command. */
  | { readonly kind: 'applied'; readonly seq: number; readonly lastSeq: number }
  /** Nothing was to be done. `doneBy`: the event in which an equal command had done it. */
  | { readonly kind: 'nothing'; readonly doneBy: undefined | number }
  /** The same id with the same content was stored before, at `seq`. */
  | { readonly kind: 'duplicate'; readonly seq: number }
  | Refusal;

/** The log that is appended to, as this node has it. */
export interface AppendTarget {
  readonly id: string;
  readonly epoch: string;
  readonly gone: undefined | GoneReason;
  /** What commands are decided on now. */
  standing(): Pick<PlanBase, 'seq' | 'tag' | 'state' | 'holdUntil' | 'logBytes'>;
  /** The message in flight, whole. */
  wholePartial(): Promise<void>;
  assemblePartial(): null | PartialMessage;
  /** The store has these chunks, and not those that this node held. */
  resetPartial(chunks: undefined | ChunkBuffer): void;
  /** The plan is stored. */
  adoptOwn(planned: Plan): void;
  /** Another node was first with these. */
  adoptFrames(frames: readonly string[]): void;
  end(reason: GoneReason): void;
  vanished(): Promise<void>;
}

export interface AppendDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeId: string;
  readonly onDuplicate: () => void;
  /** Another node was ahead of an append. */
  readonly onConflict: () => void;
}

interface Waiting {
  readonly command: Command;
  readonly settle: (outcome: CommandOutcome) => void;
  readonly fail: (error: unknown) => void;
}

/** How many commands one append may carry. */
const MAX_BATCH = 64;
const TAG_BYTES = 6;

/**
 * The one place through which this node appends to a session. One append is under way at a time; commands that arrive
 * meanwhile are decided together, one after another, and go into the next one.
 */
export class AppendQueue {
  readonly #target: AppendTarget;
  readonly #deps: AppendDeps;
  #waiting: Waiting[] = [];
  #working: undefined | Promise<void>;

  constructor(target: AppendTarget, deps: AppendDeps) {
    this.#target = target;
    this.#deps = deps;
  }

  /** Resolves when no command is under way any more; `undefined`: none is. One appends also for somebody who has gone. */
  get atWork(): undefined | Promise<void> {
    return this.#working;
  }

  /** Decides and appends. Resolves once the outcome is durable; rejects as `LiveSession.execute` does. */
  push(command: Command): Promise<CommandOutcome> {
    return new Promise((settle, fail) => {
      this.#waiting.push({ command, settle, fail });
      // Everything of this tick goes into one append.
      this.#working ??= Promise.resolve().then(() => this.#work());
    });
  }

  /** What waits for an append that has not begun fails. */
  fail(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.fail(error);
  }

  async #work(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.splice(0, MAX_BATCH);
        try {
          await this.#commit(batch);
        } catch (error) {
          for (const waiting of batch) waiting.fail(error);
        }
      }
    } finally {
      this.#working = undefined;
    }
  }

  /** Decides and appends until every command of the batch is settled. */
  async #commit(batch: Waiting[]): Promise<void> {
    const target = this.#target;
    while (batch.length > 0) {
      if (target.gone !== undefined) throw new SessionGone(target.gone);
      if (batch.some((waiting) => waiting.command.needsPartial)) await target.wholePartial();
      const planned = this.#plan(batch);
      if (planned === undefined) return await this.#commitEach(batch.splice(0));
      const decided = batch.slice(0, planned.decisions.length);
      if (planned.request !== undefined) {
        const result = await this.#deps.store.append(planned.request);
        if (result.kind !== 'applied') {
          await this.#reconsider(batch, result);
          continue;
        }
        target.adoptOwn(planned);
      }
      await this.#settle(decided, planned);
      batch.splice(0, decided.length);
    }
  }

  /** A rule threw: each command by itself, so that only its own fails. */
  async #commitEach(batch: readonly Waiting[]): Promise<void> {
    for (const waiting of batch) await this.#commit([waiting]).catch((error: unknown) => waiting.fail(error));
  }

  /** `undefined`: a rule threw, and it is not said which. */
  #plan(batch: readonly Waiting[]): undefined | Plan {
    try {
      return this.#planOf(batch);
    } catch (error) {
      if (batch.length === 1) throw error;
      return undefined;
    }
  }

  #planOf(batch: readonly Waiting[]): Plan {
    const { clock, random, nodeId } = this.#deps;
    const needsPartial = batch.some((waiting) => waiting.command.needsPartial);
    return plan(
      {
        ...this.#target.standing(),
        sessionId: this.#target.id,
        nodeId,
        epoch: this.#target.epoch,
        partial: needsPartial ? this.#target.assemblePartial() : null,
        now: clock.now(),
        newId: () => random.id(),
        newTag: () => random.token(TAG_BYTES),
      },
      batch.map((waiting) => waiting.command),
    );
  }

  /** The append was not taken as it was: learn why, and let the batch be decided again. */
  async #reconsider(batch: Waiting[], result: AppendResult): Promise<void> {
    const target = this.#target;
    switch (result.kind) {
      case 'applied':
        return;
      case 'conflict':
        this.#deps.onConflict();
        // Nothing that would follow what this node knows: its log is not the store's.
        if (result.events.length === 0) target.end('rewritten');
        else target.adoptFrames(result.events);
        return;
      case 'known':
        for (const known of result.ids) {
          const at = batch.findIndex((waiting) => waiting.command.id?.id === known.id);
          const [waiting] = at < 0 ? [] : batch.splice(at, 1);
          // A reserved id that is known means that the fold here is not the store's.
          if (waiting === undefined) return target.end('rewritten');
          this.#settleKnown(waiting, known);
        }
        return;
      case 'chunk_conflict':
        return target.resetPartial(result.chunks);
      case 'gone':
        return target.vanished();
      case 'fenced':
        throw new SessionGone('rewritten');
    }
  }

  /** Tells each command what it came to. A refused one may have been stored before it was refused: then that holds. */
  async #settle(decided: readonly Waiting[], planned: Plan): Promise<void> {
    const doubtful: { waiting: Waiting; id: string; decision: Exclude<Decision, AppendDecision> }[] = [];
    for (const [i, { decision, firstSeq }] of planned.decisions.entries()) {
      const waiting = decided[i];
      const id = waiting?.command.id?.id;
      if (waiting === undefined) continue;
      if (decision.kind === 'append') {
        const lastSeq = firstSeq + decision.events.length - 1;
        waiting.settle({ kind: 'applied', seq: firstSeq + decision.acknowledge, lastSeq });
      } else if (id === undefined) waiting.settle(decision);
      else doubtful.push({ waiting, id, decision });
    }
    if (doubtful.length === 0) return;
    // After the others have been told: what is stored stays so, whether or not the store can be asked now.
    const ids = doubtful.map(({ id }) => id);
    const known = new Map((await this.#deps.store.lookupIds(this.#target.id, ids)).map((k) => [k.id, k]));
    for (const { waiting, id, decision } of doubtful) {
      const before = known.get(id);
      if (before === undefined) waiting.settle(decision);
      else this.#settleKnown(waiting, before);
    }
  }

  #settleKnown(waiting: Waiting, known: KnownId): void {
    if (known.digest === waiting.command.id?.digest || known.digest === ANY_DIGEST) {
      this.#deps.onDuplicate();
      waiting.settle({ kind: 'duplicate', seq: known.seq });
    } else
      waiting.settle({
        kind: 'refused',
        errorType: 'id_conflict',
        message: 'This id was used for another message; nothing was stored',
      });
  }
}
