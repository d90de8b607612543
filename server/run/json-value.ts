import { type Json, jsonFault } from '../../protocol/json.ts';

/** The most bytes of JSON that a step, a tool call or an answer to the person may carry. */
export const MAX_VALUE_BYTES = 65_536;

/** A value of an agent that cannot be stored. */
export class UnfitValue extends Error {
  override readonly name = 'UnfitValue';
}

/**
 * The value as it will be read back from the log: what a first execution sees, every later one must see too.
 * @throws UnfitValue
 */
export function asStored(value: unknown, what: string): Json {
  let text: undefined | string;
  try {
    text = JSON.stringify(value);
  } catch {
    throw new UnfitValue(`${what} is not JSON`);
  }
  if (text === undefined) return null;
  if (Buffer.byteLength(text) > MAX_VALUE_BYTES)
    throw new UnfitValue(`${what} has more than ${MAX_VALUE_BYTES} bytes as JSON`);
  const stored: Json = JSON.parse(text);
  const fault = jsonFault(stored);
  if (fault !== undefined) throw new UnfitValue(`${what} ${fault}`);
  return stored;
}
