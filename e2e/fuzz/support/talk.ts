import { expect } from 'vitest';
import type { DownData } from '../../../protocol/chat/down.ts';
import { MAX_FRAME_BYTES } from './frames.ts';
import { FuzzClient, type Next } from './fuzz-client.ts';
import { type Expected, type FuzzFrame, Oracle } from './oracle.ts';

/**
 * Sends frame after frame on a connection of its own, each once the one before is answered as the contract says.
 * Answers how many were sent until the connection ended.
 */
export async function talkTo(url: string, frames: readonly FuzzFrame[]): Promise<number> {
  const client = await FuzzClient.open(url);
  const oracle = new Oracle(MAX_FRAME_BYTES);
  expectFrame(await client.next(), 'connection_established');
  let sent = 0;
  for (const frame of frames) {
    client.send(frame);
    sent++;
    const expected = oracle.judge(frame);
    try {
      if (await answered(client, expected)) continue;
    } catch (error) {
      throw new Error(`${describeFrames(frames.slice(0, sent))}\nexpected ${JSON.stringify(expected)}`, {
        cause: error,
      });
    }
    break;
  }
  client.cut();
  expect(client.checker.faults).toEqual([]);
  return sent;
}

/** Looks at the answer to a frame. `false`: the connection has ended, as it should. */
async function answered(client: FuzzClient, expected: Expected): Promise<boolean> {
  if ('reply' in expected) {
    expectFrame(await client.next(), expected.reply);
    if (expected.reply === 'connection_success') expectFrame(await client.next(), 'message_delivered');
    return true;
  }
  let next = await client.next();
  if ('ends' in expected && expected.orNone && 'closed' in next) return ends(next, expected.ends);
  if (expected.error !== undefined) {
    const frame = expectFrame(next, 'error');
    const { error_type, message, code } = frame.data as DownData<'error'>;
    expect(error_type).toBe(expected.error);
    expect(code).toBe(CODES[error_type]);
    if (!('ends' in expected)) return true;
    next = await client.next();
    expect(expectFrame(next, 'disconnect').data).toEqual({ reason: message });
  } else expectFrame(next, 'disconnect');
  return ends(await client.next(), expected.ends);
}

function ends(next: Next, code: number): false {
  expect(next).toEqual({ closed: code });
  return false;
}

/** The table of section 2 of the protocol. */
const CODES: Readonly<Partial<Record<string, number>>> = {
  invalid_key: 403,
  invalid_session_token: 403,
  forbidden: 403,
  invalid_format: 400,
  invalid_message: 422,
  protocol_violation: 409,
  unsupported_version: 426,
  not_found: 404,
  id_conflict: 409,
  limit_exceeded: 413,
  not_available: 501,
};

function expectFrame(next: Next, type: string) {
  const { frame } = next as Extract<Next, { frame: unknown }>;
  expect(frame?.type ?? JSON.stringify(next)).toBe(type);
  return frame;
}

/** The frames as the message of a failed test shows them. */
export function describeFrames(frames: readonly FuzzFrame[]): string {
  return frames
    .map((frame) =>
      'text' in frame ? JSON.stringify(frame.text.slice(0, 500)) : `binary ${frame.binary.toString('hex')}`,
    )
    .join('\n');
}
