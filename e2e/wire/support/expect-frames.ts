import { expect } from 'vitest';
import type { DownData } from '../../../protocol/chat/down.ts';
import type { ErrorType } from '../../../protocol/errors.ts';
import type { Received } from '../../../test-helpers/received.ts';
import type { WireClient } from '../../../test-helpers/wire-client.ts';

/** What a test expects of an error; what is left out is not looked at. */
export interface ExpectedError {
  readonly error_type: ErrorType;
  readonly code: number;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly reply_to?: undefined | string;
  readonly credential?: 'api_key' | 'session_token';
}

type ErrorData = DownData<'error'>;

/** Waits for the end of the connection: the error, `disconnect` with the same text, the close frame, nothing else. */
export async function expectRefused(
  client: WireClient,
  expected: ExpectedError,
  closeCode: number,
): Promise<ErrorData> {
  const closed = await client.closed();
  const error = client.frames.at(-2);
  expect(closed.code).toBe(closeCode);
  const data = expectError(error, expected);
  expect(client.frames.at(-1)?.raw).toBe(
    JSON.stringify({ type: 'disconnect', data: { reason: data.message } }),
  );
  expect(client.frames.filter((frame) => frame.type === 'disconnect')).toHaveLength(1);
  return data;
}

/** Sends nothing: looks at a reply that must be an error which keeps the connection. */
export function expectError(frame: undefined | Received, expected: ExpectedError): ErrorData {
  expect(frame?.type).toBe('error');
  const data = frame?.data as ErrorData;
  const { reply_to, ...fields } = expected;
  expect(data).toMatchObject(fields);
  if ('reply_to' in expected) expect(frame?.reply_to).toBe(reply_to);
  return data;
}

/** Waits until everything that was sent so far has been handled: the answer to a ping comes after it. */
export async function settled(client: WireClient): Promise<void> {
  await client.request('ping', {});
}
