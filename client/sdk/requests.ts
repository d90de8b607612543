import { InvalidRequestError } from './errors.ts';
import type { SendOptions } from './types.ts';

// The protocol's limits, without its schemas; `requests.test.ts` holds them equal. What breaks them is refused here, as a
// message that the server can never take must not block those behind it.
const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/;
const MESSAGE_ID = /^[A-Za-z0-9_-]{8,64}$/;
export const MAX_CONTENT_CHARACTERS = 100_000;
export const MAX_METADATA_BYTES = 4096;

/** @throws InvalidRequestError */
export function checkClientId(clientId: string): void {
  if (!CLIENT_ID.test(clientId)) throw new InvalidRequestError('clientId must be 1 to 64 of A-Z a-z 0-9 _ -');
}

/** @throws InvalidRequestError */
export function checkMessage(content: string, { id, metadata }: SendOptions): void {
  if (content.length === 0) throw new InvalidRequestError('A message must not be empty');
  if (characters(content) > MAX_CONTENT_CHARACTERS)
    throw new InvalidRequestError(`A message must have at most ${MAX_CONTENT_CHARACTERS} characters`);
  if (id !== undefined && !MESSAGE_ID.test(id))
    throw new InvalidRequestError('An id must be 8 to 64 of A-Z a-z 0-9 _ -');
  if (
    metadata !== undefined &&
    new TextEncoder().encode(JSON.stringify(metadata)).length > MAX_METADATA_BYTES
  )
    throw new InvalidRequestError(`metadata must have at most ${MAX_METADATA_BYTES} bytes as JSON`);
}

/** Unicode characters; a string of up to the limit in UTF-16 units need not be counted. */
function characters(text: string): number {
  return text.length <= MAX_CONTENT_CHARACTERS ? text.length : [...text].length;
}
