import { readFile } from 'node:fs/promises';
import type { AuthSettings } from '../config.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { JWT_KEY_ID, JwtKeys } from './jwt-keys.ts';
import { type KeyEntry, parseKeyFile } from './key-file.ts';
import { digestOf, KeyTable } from './key-table.ts';
import { type Authentication, EXPIRED, INVALID, type Principal } from './principal.ts';

/** How often the key file is read: a change holds within 5 s. */
export const KEY_FILE_POLL_MS = 2000;
/** The longest key that is looked at at all. */
const MAX_KEY_LENGTH = 8192;
/** How many JWTs that were good are known by their digest: the oldest is forgotten first, and checked again. */
const MAX_KNOWN_JWTS = 4096;
/** Keys that everybody knows; where development keys do not hold, the key file may not hold them either. */
const KNOWN_KEYS = ['development', 'valid-test-key'];

const ALWAYS = () => true;

export interface KeyRingOptions {
  readonly auth: AuthSettings;
  /** The names of the retention policies. */
  readonly policies: ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * All API keys that hold here: those of the file, JWTs, and outside production the development keys, where they are allowed.
 * Authentication is synchronous: it lies on the path of every restore.
 */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #jwt: undefined | JwtKeys;
  readonly #listeners = new Set<() => void>();
  /** JWTs whose signature was good, by digest: neither the key nor the rules that they passed change while it runs. */
  readonly #knownJwts = new Map<string, Principal>();
  #table = new KeyTable([]);
  #text: undefined | string;
  #fault: undefined | string;

  private constructor(options: KeyRingOptions, jwt: undefined | JwtKeys) {
    this.#options = options;
    this.#jwt = jwt;
  }

  /** Reads the key file and prepares the keys, or answers one line for each fault. */
  static async open(
    options: KeyRingOptions,
  ): Promise<{ ok: true; ring: KeyRing } | { ok: false; faults: string[] }> {
    const faults: string[] = [];
    const { jwt, keysFile } = options.auth;
    const created = jwt === undefined ? undefined : JwtKeys.create(jwt);
    if (created?.ok === false) faults.push(created.fault);
    const ring = new KeyRing(options, created?.ok === true ? created.keys : undefined);
    if (keysFile === undefined) ring.#table = new KeyTable(ring.#developmentKeys());
    else {
      const fault = await ring.#load(keysFile);
      if (fault !== undefined) faults.push(`API_KEYS_FILE ${fault}`);
    }
    return faults.length > 0 ? { ok: false, faults } : { ok: true, ring };
  }

  /**
   * Whom the key speaks for at this moment. `mayVerify` is asked before the signature of a JWT that is not known yet is
   * checked, which costs more than everything else; where it says no, such a JWT is `invalid`.
   */
  authenticate(apiKey: string, mayVerify: () => boolean = ALWAYS): Authentication {
    if (apiKey.length === 0 || apiKey.length > MAX_KEY_LENGTH) return INVALID;
    const now = this.#options.clock.now();
    const digest = digestOf(apiKey);
    if (this.#jwt !== undefined && JwtKeys.looksLikeOne(apiKey)) {
      const answer = this.#authenticateJwt(this.#jwt, apiKey, digest, now, mayVerify);
      if (answer.kind !== 'invalid') return answer;
    }
    return this.#table.find(Buffer.from(digest, 'hex'), now);
  }

  #authenticateJwt(
    jwt: JwtKeys,
    apiKey: string,
    digest: string,
    now: number,
    mayVerify: () => boolean,
  ): Authentication {
    const known = this.#knownJwts.get(digest);
    if (known !== undefined) {
      if (known.expiresAt === undefined || now < known.expiresAt) return { kind: 'ok', principal: known };
      this.#knownJwts.delete(digest);
      return EXPIRED;
    }
    if (!mayVerify()) return INVALID;
    const answer = jwt.authenticate(apiKey, now);
    if (answer.kind !== 'ok') return answer;
    if (this.#knownJwts.size >= MAX_KNOWN_JWTS) {
      const [oldest] = this.#knownJwts.keys();
      if (oldest !== undefined) this.#knownJwts.delete(oldest);
    }
    this.#knownJwts.set(digest, answer.principal);
    return answer;
  }

  /** What the credential behind a principal allows by now; its key itself is not needed, and not kept. */
  recheck(principal: Principal): Authentication {
    const now = this.#options.clock.now();
    if (principal.keyId !== JWT_KEY_ID) return this.#table.find(Buffer.from(principal.keyId, 'hex'), now);
    if (principal.expiresAt !== undefined && now >= principal.expiresAt) return EXPIRED;
    return { kind: 'ok', principal };
  }

  /** Calls `listener` after the key file changed. The returned function ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the key file again every `KEY_FILE_POLL_MS` until the signal is aborted. */
  watch(signal: AbortSignal): void {
    if (this.#options.auth.keysFile === undefined || signal.aborted) return;
    const stop = this.#options.clock.every(KEY_FILE_POLL_MS, () => void this.reread());
    signal.addEventListener('abort', stop, { once: true });
  }

  /** Reads the key file again. A file that cannot be used changes nothing; it is logged once. Never rejects. */
  async reread(): Promise<void> {
    const { keysFile } = this.#options.auth;
    if (keysFile === undefined) return;
    const before = this.#text;
    const fault = await this.#load(keysFile);
    if (fault !== undefined && fault !== this.#fault)
      this.#options.log.error(
        { event: 'keys_unusable', fault },
        'the key file cannot be used; keys stay as they were',
      );
    this.#fault = fault;
    if (fault !== undefined || before === this.#text) return;
    this.#options.log.info({ event: 'keys_reread' }, 'the key file changed');
    for (const listener of this.#listeners) listener();
  }

  /** Takes the keys of the file, or answers what is wrong with it. */
  async #load(path: string): Promise<undefined | string> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
    }
    if (text === this.#text) return undefined;
    const { auth, policies } = this.#options;
    const refused = auth.developmentKeys === undefined ? KNOWN_KEYS.map(digestOf) : [];
    const file = parseKeyFile(text, policies, new Set(refused));
    if (!file.ok) return file.fault;
    this.#text = text;
    this.#table = new KeyTable([...file.keys, ...this.#developmentKeys()]);
    return undefined;
  }

  #developmentKeys(): KeyEntry[] {
    const keys = this.#options.auth.developmentKeys;
    if (keys === undefined) return [];
    const entry = (key: string, permissions: KeyEntry['permissions']): KeyEntry => ({
      sha256: digestOf(key),
      subject: `key:${key}`,
      permissions,
      revoked: false,
    });
    return [entry(keys.all, ['chat', 'operate', 'admin']), entry(keys.chat, ['chat'])];
  }
}
