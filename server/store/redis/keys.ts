import { createHash } from 'node:crypto';

/** Alarms are spread over this many sorted sets, so that a cluster shares them out. */
export const DUE_BUCKETS = 8;

/** The names of all keys and channels under one prefix. The Lua library derives a session's further keys from the first. */
export class Keys {
  readonly #prefix: string;

  constructor(prefix = 'hf:') {
    if (/[{}]/.test(prefix)) throw new TypeError('a key prefix must not hold braces: they choose the slot');
    this.#prefix = prefix;
  }

  /** The hash of a session. The braces keep all that hangs on it in one slot of a cluster. */
  session(sessionId: string): string {
    return `${this.#prefix}{${sessionId}}`;
  }

  /** A subject's sessions, by last use. A subject may be any text, so its digest stands for it. */
  subject(subject: string): string {
    return `${this.#prefix}subject:${createHash('sha256').update(subject).digest('base64url').slice(0, 22)}`;
  }

  /** The alarms that this session's are kept with. */
  due(sessionId: string): string {
    let sum = 0;
    for (let i = 0; i < sessionId.length; i++) sum = (sum * 31 + sessionId.charCodeAt(i)) | 0;
    return this.bucket((sum >>> 0) % DUE_BUCKETS);
  }

  bucket(index: number): string {
    return `${this.#prefix}due:${index}`;
  }

  /** The hash with the store's id and its secrets. */
  store(): string {
    return `${this.#prefix}store`;
  }

  /** The channel that a node listens to. */
  node(nodeId: string): string {
    return `${this.#prefix}node:${nodeId}`;
  }
}
