/** Numbers an agent's calls in their order: that is how a later execution finds them again. */
export class RunCounters {
  #tools = 0;
  #questions = 0;
  #messages = 0;
  /** Patches leave no trace that names their run, so they are counted by step: what a done step made is not made again. */
  #step = 0;
  readonly #patches = new Map<number, number>();

  nextTool(): number {
    return ++this.#tools;
  }

  nextQuestion(): number {
    return ++this.#questions;
  }

  nextMessage(): number {
    return ++this.#messages;
  }

  nextPatch(): { readonly step: number; readonly n: number } {
    const n = (this.#patches.get(this.#step) ?? 0) + 1;
    this.#patches.set(this.#step, n);
    return { step: this.#step, n };
  }

  enterStep(index: number): void {
    this.#step = index;
  }

  leaveStep(): void {
    this.#step = 0;
  }

  /** A step that was done earlier is not run: go on from where it had come to. */
  skipTo(done: { readonly tools: number; readonly questions: number; readonly messages: number }): void {
    this.#tools = Math.max(this.#tools, done.tools);
    this.#questions = Math.max(this.#questions, done.questions);
    this.#messages = Math.max(this.#messages, done.messages);
  }
}
