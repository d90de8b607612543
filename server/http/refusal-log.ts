import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';

/** How often a line is written at most. */
const INTERVAL_MS = 60_000;
/** How much of a value that a stranger chose is shown. */
const MAX_SHOWN = 200;

/**
 * Tells the operator that pages are refused, who would otherwise look for the fault in the client. Anybody can have one
 * refused as often as he likes: there is one line a minute, which says how many there were since the last one.
 */
export class RefusalLog {
  readonly #header: string;
  readonly #clock: Clock;
  readonly #log: Pick<Log, 'warn'>;
  #saidAt: undefined | number;
  #unsaid = 0;

  /** @param header whose value is refused: `host` or `origin` */
  constructor(header: 'host' | 'origin', clock: Clock, log: Pick<Log, 'warn'>) {
    this.#header = header;
    this.#clock = clock;
    this.#log = log;
  }

  /** A request was refused for this value of the header; `advice` is for the operator whose own page it came from. */
  refused(value: undefined | string, advice: string): void {
    const now = this.#clock.now();
    // A clock that was set back must not silence it for longer.
    const isSaid = this.#saidAt !== undefined && now - this.#saidAt < INTERVAL_MS && now >= this.#saidAt;
    if (isSaid) {
      this.#unsaid++;
      return;
    }
    const fields = {
      event: `${this.#header}_refused`,
      [this.#header]: shown(value ?? ''),
      others: this.#unsaid,
    };
    this.#saidAt = now;
    this.#unsaid = 0;
    this.#log.warn(fields, advice);
  }
}

/** A stranger's text, shortened, and without characters that a terminal would obey. */
function shown(text: string): string {
  return text
    .slice(0, MAX_SHOWN)
    .replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .slice(0, MAX_SHOWN);
}
