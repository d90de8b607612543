import type { WireClient } from '../../../test-helpers/wire-client.ts';

/** How many bytes the session of this client holds: it has seen every event of it, from the first one on. */
export async function sizeOf(client: WireClient): Promise<number> {
  await client.request('context_request', {});
  return client.frames.reduce(
    (sum, { seq, raw }) => sum + (seq === undefined ? 0 : Buffer.byteLength(raw)),
    0,
  );
}
