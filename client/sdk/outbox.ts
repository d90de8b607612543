import { OverflowError } from './errors.ts';
import type { Documents } from './storage.ts';
import type { OutboxEntry } from './types.ts';

/** How many refused messages can still be sent again by `resend`. */
export const FAILED_KEPT = 100;
/** What an entry costs beside its text. */
const ENTRY_OVERHEAD_BYTES = 128;
/**
 * Our own messages that are not acknowledged, in order. It only keeps them: `outbox-sender.ts` sends.
 * What it holds is bounded in bytes, and written to the storage before it is acted on, so that a reload knows what was
 * given to a socket and what was not.
 */
export class Outbox {
  readonly #documents: Documents;
  readonly #maxBytes: number;
  #scope: string;
  #entries: OutboxEntry[] = [];
  #failed: OutboxEntry[] = [];
  #bytes = 0;

  /** `scope`: the session that the messages are for, or a name for one that is not known yet. */
  constructor(documents: Documents, maxBytes: number, scope: string) {
    this.#documents = documents;
    this.#maxBytes = maxBytes;
    this.#scope = scope;
    this.#entries = readEntries(documents.read(nameOf(scope)));
    this.#bytes = bytesOf(this.#entries);
  }

  get entries(): readonly OutboxEntry[] {
    return this.#entries;
  }

  /**
   * From now on the entries are those of this session: what the storage has of it comes first, what is held goes along.
   * Answers the entries that came from the storage.
   */
  moveTo(scope: string): readonly OutboxEntry[] {
    const left = this.#scope;
    if (left === scope) return [];
    const kept = readEntries(this.#documents.read(nameOf(scope))).filter(
      (e) => this.find(e.id) === undefined,
    );
    this.#scope = scope;
    this.#set([...kept, ...this.#entries]);
    this.#documents.write(nameOf(left), undefined);
    return kept;
  }

  /** @throws OverflowError when there is no room */
  add(entry: OutboxEntry): void {
    if (this.#bytes + sizeOf(entry) > this.#maxBytes)
      throw new OverflowError(`The outbox is full (${this.#maxBytes} bytes)`, this.#maxBytes);
    this.#failed = this.#failed.filter((f) => f.id !== entry.id);
    this.#set([...this.#entries, entry]);
  }

  find(id: string): OutboxEntry | undefined {
    return this.#entries.find((entry) => entry.id === id);
  }

  /** A refused one, as long as it is remembered. */
  findFailed(id: string): OutboxEntry | undefined {
    return this.#failed.find((entry) => entry.id === id);
  }

  /** The one to be sent: the oldest that does not wait for the person. */
  next(): OutboxEntry | undefined {
    return this.#entries.find((entry) => entry.state !== 'unconfirmed');
  }

  /** Changes an entry's state where it stands. */
  mark(id: string, state: OutboxEntry['state']): OutboxEntry | undefined {
    const entry = this.find(id);
    if (entry === undefined || entry.state === state) return entry;
    const marked = { ...entry, state };
    this.#set(this.#entries.map((e) => (e === entry ? marked : e)));
    return marked;
  }

  /** Takes an entry out: it was acknowledged, or taken back. */
  remove(id: string): OutboxEntry | undefined {
    const entry = this.find(id);
    if (entry !== undefined) this.#set(this.#entries.filter((e) => e !== entry));
    return entry;
  }

  /** Takes an entry out because the server refused it. */
  fail(id: string): OutboxEntry | undefined {
    const entry = this.remove(id);
    if (entry !== undefined) this.#failed = [...this.#failed, entry].slice(-FAILED_KEPT);
    return entry;
  }

  forgetFailed(id: string): OutboxEntry | undefined {
    const entry = this.findFailed(id);
    this.#failed = this.#failed.filter((f) => f !== entry);
    return entry;
  }

  /**
   * The session ended with its memory of ids: nobody can tell whether what was given to a socket arrived. Those entries,
   * or `all`, wait for the person now; they are answered. What was never sent stays as it is.
   */
  sessionEnded(all: boolean): readonly OutboxEntry[] {
    const unsure = new Map<OutboxEntry, OutboxEntry>();
    for (const entry of this.#entries)
      if (entry.state === 'sending' || (all && entry.state === 'queued'))
        unsure.set(entry, { ...entry, state: 'unconfirmed' });
    this.#set(this.#entries.map((entry) => unsure.get(entry) ?? entry));
    return [...unsure.values()];
  }

  #set(entries: OutboxEntry[]): void {
    this.#entries = entries;
    this.#bytes = bytesOf(entries);
    this.#documents.write(nameOf(this.#scope), entries.length === 0 ? undefined : entries);
  }
}

const nameOf = (scope: string): string => `outbox.${scope}`;
const bytesOf = (entries: readonly OutboxEntry[]): number => entries.reduce((sum, e) => sum + sizeOf(e), 0);

const sizes = new WeakMap<OutboxEntry, number>();

/** Bytes as UTF-8; counted once for each entry. */
function sizeOf(entry: OutboxEntry): number {
  const known = sizes.get(entry);
  if (known !== undefined) return known;
  const text = entry.content + (entry.metadata === undefined ? '' : JSON.stringify(entry.metadata));
  const size = new TextEncoder().encode(text).length + ENTRY_OVERHEAD_BYTES;
  sizes.set(entry, size);
  return size;
}

/** What an earlier page left; whatever is not an entry is left out. */
function readEntries(value: unknown): OutboxEntry[] {
  return Array.isArray(value) ? value.filter(isEntry) : [];
}

function isEntry(value: unknown): value is OutboxEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, content, onBusy, createdAt, state } = value as Record<string, unknown>;
  return (
    typeof id === 'string' &&
    typeof content === 'string' &&
    typeof createdAt === 'number' &&
    (onBusy === 'enqueue' || onBusy === 'reject' || onBusy === 'interrupt') &&
    (state === 'queued' || state === 'sending' || state === 'unconfirmed')
  );
}
