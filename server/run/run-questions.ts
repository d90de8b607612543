import type { InputRequest } from '../../protocol/chat/run.ts';
import type { Clock } from '../clock.ts';
import type { Answer, Question } from './agent-port.ts';
import { decideInputExpiry, decideInputRequest } from './decide-input.ts';
import { requestId } from './ids.ts';
import type { Resolution } from './journal.ts';
import { asStored } from './json-value.ts';
import type { RunCounters } from './run-counters.ts';
import type { RunLog } from './run-log.ts';
import type { Settle } from './run-steps.ts';

/** The longest delay that a timer of the platform holds. */
const MAX_TIMER_MS = 2_147_483_647;

/** What a run asks of the person. An answer may come at any time, from any device, also while nobody executes the run. */
export class RunQuestions {
  readonly #log: RunLog;
  readonly #counters: RunCounters;
  readonly #settle: Settle;
  readonly #clock: Clock;
  readonly #runMaxMs: number;

  constructor(log: RunLog, counters: RunCounters, settle: Settle, clock: Clock, runMaxMs: number) {
    this.#log = log;
    this.#counters = counters;
    this.#settle = settle;
    this.#clock = clock;
    this.#runMaxMs = runMaxMs;
  }

  async ask(question: Question): Promise<Answer> {
    const id = requestId(this.#log.fence.runId, this.#counters.nextQuestion());
    await this.#settle();
    return await this.request(id, question);
  }

  /** Asks under this id, or finds the question (and its answer) again, and waits. */
  async request(id: string, question: Question): Promise<Answer> {
    const known = this.#log.journal.requests.get(id);
    const request = known?.request ?? this.#requestOf(id, question);
    if (known === undefined)
      await this.#log.execute({
        decide: decideInputRequest(request, () => this.#log.journal.requests.has(id)),
        id: undefined,
        needsPartial: false,
      });
    const stopTimer = this.#expireInTime(request);
    try {
      const { resolution, approved, value } = await this.#log.until((j) =>
        closed(j.requests.get(id)?.resolved),
      );
      return { resolution, approved, value };
    } finally {
      stopTimer();
    }
  }

  #requestOf(id: string, { kind, prompt, arguments: args, expiresInMs }: Question): InputRequest {
    return {
      run_id: this.#log.fence.runId,
      request_id: id,
      kind,
      prompt,
      ...(args === undefined ? {} : { arguments: asStored(args, 'what the question shows') }),
      ...(expiresInMs === undefined
        ? {}
        : { expires_at: new Date(this.#clock.now() + expiresInMs).toISOString() }),
    };
  }

  /** Ends the wait once the request's time is over. */
  #expireInTime(request: InputRequest): () => void {
    const { expires_at } = request;
    if (expires_at === undefined) return () => {};
    let cancel = () => {};
    const arm = () => {
      // One more millisecond: an answer at the very end still counts.
      const leftMs = Date.parse(expires_at) + 1 - this.#clock.now();
      if (leftMs > 0) cancel = this.#clock.after(Math.min(leftMs, MAX_TIMER_MS), arm);
      else this.#expire(request.request_id);
    };
    arm();
    return () => cancel();
  }

  #expire(id: string): void {
    const command = { decide: decideInputExpiry(id, this.#runMaxMs), id: undefined, needsPartial: false };
    this.#log.execute(command).catch(() => {
      // Stopped meanwhile: whoever has the run now, or a sweep, ends the wait.
    });
  }
}

/** A request that was resolved because its run ends has no answer: the execution is about to be stopped. */
function closed(resolved: undefined | Resolution): undefined | Answer {
  if (resolved === undefined || resolved.resolution === 'canceled') return undefined;
  return { ...resolved, resolution: resolved.resolution };
}
