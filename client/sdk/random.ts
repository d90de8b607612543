import type { ClientRandom } from './ports.ts';

/** Chance from the system's generator. */
export const systemRandom: ClientRandom = {
  next: () => Math.random(),
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};
