import type { ClientClock, ClientRandom } from './ports.ts';

/**
 * A new UUIDv7 (RFC 9562): 48 bits of time, so that ids sort as they were made, and 74 of chance, so that no two clients
 * ever make the same.
 */
export function uuidV7(clock: ClientClock, random: ClientRandom): string {
  const bytes = new Uint8Array(16);
  bytes.set(random.bytes(16));
  const now = clock.now();
  // Bit operations are 32 bits wide; the time is not.
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) % 256;
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
