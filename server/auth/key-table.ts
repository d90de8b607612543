import { hash, timingSafeEqual } from 'node:crypto';
import type { KeyEntry } from './key-file.ts';
import { type Authentication, EXPIRED, INVALID, type Principal } from './principal.ts';

interface Held {
  readonly digest: Buffer;
  readonly revoked: boolean;
  readonly answer: { readonly kind: 'ok'; readonly principal: Principal };
}

/** SHA-256 of a key as the file holds it. */
export function digestOf(apiKey: string): string {
  return hash('sha256', apiKey, 'hex');
}

/**
 * Keys by digest. They lie in buckets by the first bits of their digests, and within a bucket each is compared in
 * constant time. Which bucket it is tells nothing: nobody can steer a digest towards that of a key he does not know.
 */
export class KeyTable {
  readonly #buckets = new Map<number, Held[]>();

  constructor(keys: readonly KeyEntry[]) {
    for (const key of keys) {
      const digest = Buffer.from(key.sha256, 'hex');
      const principal: Principal = {
        subject: key.subject,
        permissions: key.permissions,
        workspaces: key.workspaces,
        retention: key.retention,
        keyId: key.sha256,
        expiresAt: key.expires_at === undefined ? undefined : Date.parse(key.expires_at),
      };
      const bucket = this.#buckets.get(digest.readUInt16BE());
      const held: Held = { digest, revoked: key.revoked, answer: { kind: 'ok', principal } };
      if (bucket === undefined) this.#buckets.set(digest.readUInt16BE(), [held]);
      else bucket.push(held);
    }
  }

  /** What the key with this digest is at `now`. */
  find(digest: Buffer, now: number): Authentication {
    let found: undefined | Held;
    for (const held of this.#buckets.get(digest.readUInt16BE()) ?? [])
      if (timingSafeEqual(held.digest, digest)) found = held;
    if (found === undefined || found.revoked) return INVALID;
    const { expiresAt } = found.answer.principal;
    return expiresAt !== undefined && now >= expiresAt ? EXPIRED : found.answer;
  }
}
