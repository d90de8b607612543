import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import { metric, ServerProcess, untilConnections } from '../../test-helpers/server-process.ts';
import { conversation, MAX_FRAME_BYTES } from './support/frames.ts';
import { FuzzClient, type Next } from './support/fuzz-client.ts';
import { type Expected, type FuzzFrame, Oracle } from './support/oracle.ts';

const FRAMES = process.env.HOLDFAST_FULL === undefined ? 5000 : 100_000;
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
/** How many connections there are at a time. */
const LANES = 16;
const MIB = 1024 * 1024;

const OPEN_HOUSE = {
  AGENT: 'none',
  MESSAGE_RATE_PER_S: '0',
  CONNECTION_RATE_PER_S: '0',
  FAILED_AUTH_PER_MIN: '0',
  MAX_SESSIONS_PER_SUBJECT: '0',
  MAX_CONTEXT_BYTES: '0',
  MAX_SESSION_BYTES: '0',
  MAX_FRAME_BYTES: String(MAX_FRAME_BYTES),
  SQLITE_SYNCHRONOUS: 'normal',
};

describe(`frames of any shape (seed ${SEED}; FUZZ_SEED repeats it)`, () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: OPEN_HOUSE });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** Sends frame after frame, each once the one before is answered. Answers how many were sent. */
  async function talk(frames: readonly FuzzFrame[]): Promise<number> {
    const client = await FuzzClient.open(server.url);
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

  /** Sends them all at once, and answers how many these were: what the end may be is known, whichever comes first. */
  async function rush(frames: readonly FuzzFrame[]): Promise<number> {
    const client = await FuzzClient.open(server.url);
    for (const frame of frames) client.send(frame);
    const oracle = new Oracle(MAX_FRAME_BYTES);
    const ends = frames.map((frame) => oracle.judge(frame)).flatMap((e) => ('ends' in e ? [e.ends] : []));
    if (ends.length > 0) {
      const code = await client.ended();
      // While its connect is looked at a connection takes 16 KiB a frame, 32 frames, and no second connect.
      expect([...ends, 1009, 4001, 4002, 4003]).toContain(code);
    }
    client.cut();
    expect(client.checker.faults).toEqual([]);
    return frames.length;
  }

  /** Spreads conversations over some lanes until so many frames were sent. */
  async function fuzz(count: number, seed: number, speak: typeof talk): Promise<void> {
    let conversations: (readonly FuzzFrame[])[] = [];
    let sent = 0;
    const next = () => {
      if (conversations.length === 0)
        conversations = fc.sample(conversation, { seed: seed + sent, numRuns: 200 });
      return conversations.pop() ?? [];
    };
    const lane = async () => {
      while (sent < count) {
        const more = await speak(next());
        sent += more;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  test(`MSG-5 MSG-6 MSG-7 ${FRAMES} of them are answered as the contract says, and nothing grows`, async () => {
    await fuzz(FRAMES / 5, SEED, talk);
    const { pid } = server;
    const warm = await metric(server.url, 'process_resident_memory_bytes');
    for (let part = 1; part <= 4; part++) await fuzz(FRAMES / 5, SEED + part, talk);
    await untilConnections(server.url, 0);
    const after = await metric(server.url, 'process_resident_memory_bytes');
    expect(after).toBeLessThan(2 * warm + 64 * MIB);
    expect(await metric(server.url, 'holdfast_live_sessions')).toBe(0);
    expect(server.pid).toBe(pid);
    expect(server.errors).toEqual([]);
  }, 600_000);

  test('MSG-6 whatever is sent at once, and then cut', async () => {
    await fuzz(FRAMES / 5, SEED + 10, rush);
    await untilConnections(server.url, 0);
    expect(server.errors).toEqual([]);
    expect(await talk([{ text: '{"type":"connect","data":{"api_key":"development"}}' }])).toBe(1);
  }, 600_000);

  test('MSG-6 MSG-20 bytes that are no WebSocket frames', async () => {
    const streams = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 300 }), {
      seed: SEED,
      numRuns: FRAMES / 25,
    });
    const lane = async () => {
      for (let bytes = streams.pop(); bytes !== undefined; bytes = streams.pop()) {
        const client = await FuzzClient.open(server.url);
        client.sendBytes(bytes);
        client.sendBytes(new Uint8Array(200).fill(0xff));
        // A mask bit, an opcode or a length that is wrong ends it; so does a close frame, whose code comes back. One
        // that is right by chance waits for the rest until its time is over.
        await client.ended();
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await untilConnections(server.url, 0);
    expect(server.errors).toEqual([]);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  }, 600_000);
});

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

function describeFrames(frames: readonly FuzzFrame[]): string {
  return frames
    .map((frame) =>
      'text' in frame ? JSON.stringify(frame.text.slice(0, 500)) : `binary ${frame.binary.toString('hex')}`,
    )
    .join('\n');
}
