import { createHmac, type KeyObject, sign } from 'node:crypto';

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token with this head and payload, signed as HS256 by hand: no library would sign all of these. */
export function hmacToken(payload: unknown, secret: string, head: object = {}, hash = 'sha256'): string {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', ...head })}.${encode(payload)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

/** The same with a private key; `head` names the algorithm. */
export function signedToken(payload: unknown, key: KeyObject, head: object, hash = 'sha256'): string {
  const signed = `${encode({ typ: 'JWT', ...head })}.${encode(payload)}`;
  const signature = sign(hash, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

/** A token that nobody signed. */
export function unsignedToken(payload: unknown, head: object, signature = ''): string {
  return `${encode(head)}.${encode(payload)}.${signature}`;
}

/** The token with another signature. */
export function withSignature(token: string, signature: Uint8Array | string): string {
  const last = typeof signature === 'string' ? signature : Buffer.from(signature).toString('base64url');
  return `${token.slice(0, token.lastIndexOf('.'))}.${last}`;
}

const PARTS = ['head', 'payload', 'signature'] as const;

/** Every token that differs from this one in one bit, by the name of that bit. */
export function bitFlips(token: string): readonly (readonly [string, string])[] {
  const parts = token.split('.');
  return parts.flatMap((part, i) => {
    const bytes = Buffer.from(part, 'base64url');
    return Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const changed = parts.with(i, flipped.toString('base64url')).join('.');
      return [`bit ${bit} of the ${PARTS[i]} flipped`, changed] as const;
    });
  });
}

/** What is left of a token, and what was made of it, by name. */
export function mangled(token: string): readonly (readonly [string, string])[] {
  const [head = '', payload = '', signature = ''] = token.split('.');
  return [
    ['without its last character', token.slice(0, -1)],
    ['without its first character', token.slice(1)],
    ['cut in half', token.slice(0, token.length / 2)],
    ['without its signature', `${head}.${payload}.`],
    ['without its signature and its dot', `${head}.${payload}`],
    ['without its head', `.${payload}.${signature}`],
    ['without its payload', `${head}..${signature}`],
    ['of dots alone', '..'],
    ['with a fourth part', `${token}.${signature}`],
    ['with its parts in another order', `${payload}.${head}.${signature}`],
    ['with its signature twice', `${token}${signature}`],
    ['with a space before it', ` ${token}`],
    ['with a space behind it', `${token} `],
    ['with a line end behind it', `${token}\n`],
    ['with a NUL behind it', `${token}\u0000`],
    ['in capitals', token.toUpperCase()],
    ['with a space inside', `${head}. ${payload}.${signature}`],
    ['with padding', `${head}=.${payload}=.${signature}=`],
    ['as JSON', JSON.stringify({ protected: head, payload, signature })],
    ['with "Bearer" before it', `Bearer ${token}`],
  ];
}
