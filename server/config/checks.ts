import { isIP } from 'node:net';
import { z } from 'zod';
import { hostName } from './hosts.ts';
import type { Read } from './kinds.ts';

/** Names that fastify's `trustProxy` knows besides addresses. */
const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal'];

/** What is wrong with an address whose `X-Forwarded-For` is to count. */
export function proxyFault(item: string): undefined | string {
  if (PROXY_NAMES.includes(item)) return undefined;
  const [address = '', prefix, ...rest] = item.split('/');
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (family !== 0 && rest.length === 0) {
    if (prefix === undefined) return undefined;
    if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits) {
      if (Number(prefix) > 0) return undefined;
      return 'must list only the proxies: with a range of /0 everybody could claim any address';
    }
  }
  return `must list addresses, ranges (10.0.0.0/8) or ${PROXY_NAMES.join(', ')}`;
}

/** What is wrong with the name of a host. */
export function hostFault(item: string): undefined | string {
  return hostName(item) === undefined
    ? 'must list hosts as browsers name them (chat.example.org, or chat.example.org:8443)'
    : undefined;
}

/** What is wrong with an origin; `self` stands for the server's own. */
export function originFault(item: string): undefined | string {
  if (item === 'self') return undefined;
  const origin = URL.canParse(item) ? new URL(item).origin : 'null';
  return origin === item ? undefined : 'must list origins (https://example.org) or self';
}

/** What is wrong with `NODE_ID`: it becomes part of keys and channel names. */
export function nodeIdFault(value: string): undefined | string {
  return /^[A-Za-z0-9_.-]{1,64}$/.test(value) ? undefined : 'must be 1 to 64 of A-Z a-z 0-9 _ . -';
}

const policyText = z.record(
  z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
  z.strictObject({
    brief_ms: z.int().nonnegative().optional(),
    medium_ms: z.int().nonnegative().optional(),
    archive_days: z.int().nonnegative().optional(),
  }),
);

/** A retention policy as written: what is left out is as for everybody. */
export type PolicyText = z.infer<typeof policyText>;

/** Reads `RETENTION_POLICIES`. */
export function readPolicies(text: string): Read<PolicyText> {
  const fault =
    'must be JSON such as {"enterprise":{"brief_ms":30000,"medium_ms":86400000,"archive_days":365}}';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, fault };
  }
  const parsed = policyText.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, fault: `${fault} (${issue?.path.join('.') || 'the whole'}: ${issue?.message})` };
}

/** What is wrong with the addresses in `REDIS_URL` under a mode. The text is not repeated: it may hold a password. */
export function redisFault(urls: readonly string[], mode: string): undefined | string {
  if (mode === 'single' && urls.length !== 1) return 'must be one address with REDIS_MODE=single';
  for (const url of urls) {
    const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' };
    if (protocol !== 'redis:' && protocol !== 'rediss:')
      return 'must hold redis:// or rediss:// addresses, separated by commas';
  }
  return undefined;
}
