import type { z } from 'zod';
import { UP, type UpType } from '../../../protocol/chat/up.ts';
import type { ErrorType } from '../../../protocol/errors.ts';

/** One frame as a client sends it. */
export type FuzzFrame = { readonly text: string } | { readonly binary: Buffer };

/** What a frame must come to. */
export type Expected =
  /** An error, then the close. `orNone`: the error may be missing, where the frame was not even read. */
  | { readonly ends: number; readonly error: undefined | ErrorType; readonly orNone?: true }
  /** An error that keeps the connection. */
  | { readonly error: ErrorType }
  /** A reply of one of these types. */
  | { readonly reply: string };

export const MAX_CONNECT_BYTES = 16_384;
const MAX_STRIKES = 5;
/** The keys of a server that is not in production. */
const KEYS = new Set(['development', 'valid-test-key']);
const STATE_CHANGING = new Set<string>([
  'chat_message',
  'run_cancel',
  'run_retry',
  'input_respond',
  'context_update',
  'channel_message',
]);

type Envelope = {
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly id: undefined | string;
};

/**
 * What the contract says to each frame of one connection, by its order of checks: size, JSON, envelope, state, type,
 * schema, permission. (The rate is off.) It knows the schemas and nothing else of the server. The session is its own,
 * nobody answers in it (`AGENT=none`), and no limit of sizes is on.
 */
export class Oracle {
  readonly #maxFrameBytes: number;
  #isOpen = false;
  #key = '';
  #strikes = 0;
  readonly #ids = new Map<string, string>();

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Whether a `connect` was good. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  judge(frame: FuzzFrame): Expected {
    const bytes = 'text' in frame ? Buffer.byteLength(frame.text) : frame.binary.length;
    if (bytes > this.#maxFrameBytes) return { ends: 1009, error: 'limit_exceeded', orNone: true };
    if (!this.#isOpen && bytes > MAX_CONNECT_BYTES) return { ends: 1009, error: 'limit_exceeded' };
    const envelope = 'text' in frame ? envelopeOf(frame.text) : undefined;
    if (envelope === undefined) return { ends: 4002, error: 'invalid_format' };
    return this.#isOpen ? this.#message(envelope) : this.#connect(envelope);
  }

  #connect({ type, data }: Envelope): Expected {
    if (type !== 'connect') return { ends: 4003, error: 'protocol_violation' };
    const key = own(data, 'api_key');
    if (key === undefined || key === null || key === '') return { ends: 4000, error: 'invalid_key' };
    const version = own(data, 'protocol_version');
    if (Number.isInteger(version) && version !== 1) return { ends: 4003, error: 'unsupported_version' };
    const parsed = UP.connect.safeParse(data);
    if (!parsed.success) return { ends: 4002, error: 'invalid_message' };
    const connect = parsed.data;
    if (!KEYS.has(connect.api_key)) return { ends: 4000, error: 'invalid_key' };
    if (connect.connection_type !== 'chat') return { error: 'not_available' };
    // Nothing that is made up here is a session.
    if (connect.session_id !== undefined) return { error: 'not_found' };
    if (connect.session_token !== undefined) return { ends: 4000, error: 'invalid_session_token' };
    this.#isOpen = true;
    this.#key = connect.api_key;
    return { reply: 'connection_success' };
  }

  #message({ type, data, id }: Envelope): Expected {
    if (type === 'connect' || !Object.hasOwn(UP, type)) return { ends: 4003, error: 'protocol_violation' };
    const hasId = id !== undefined && /^[A-Za-z0-9_-]{8,64}$/.test(id);
    const parsed = (UP[type as UpType] as z.ZodType).safeParse(data);
    if (!parsed.success || (STATE_CHANGING.has(type) && !hasId)) {
      this.#strikes++;
      return this.#strikes >= MAX_STRIKES
        ? { ends: 4002, error: 'invalid_message' }
        : { error: 'invalid_message' };
    }
    return this.#handled(type as UpType, parsed.data as Record<string, unknown>, id ?? '');
  }

  #handled(type: UpType, data: Record<string, unknown>, id: string): Expected {
    switch (type) {
      case 'connect':
        return { ends: 4003, error: 'protocol_violation' };
      case 'ping':
        return { reply: 'pong' };
      case 'disconnect':
        return { ends: 1000, error: undefined };
      case 'context_request':
        return { reply: 'context' };
      case 'history_request':
        return { reply: 'history' };
      case 'channel_join':
      case 'channel_leave':
      case 'channel_message':
        return { error: 'not_available' };
      case 'auth_refresh':
        if (data.api_key === this.#key) return { reply: 'message_delivered' };
        return KEYS.has(String(data.api_key)) ? { error: 'forbidden' } : { ends: 4000, error: 'invalid_key' };
      case 'chat_message':
      case 'context_update':
      case 'run_cancel':
      case 'run_retry':
      case 'input_respond':
        return this.#change(type, data, id);
    }
  }

  #change(type: UpType, data: Record<string, unknown>, id: string): Expected {
    const content = `${type} ${JSON.stringify(data)}`;
    const known = this.#ids.get(id);
    if (known !== undefined)
      return known === content ? { reply: 'message_delivered' } : { error: 'id_conflict' };
    // There has never been a run, nor a question.
    if (type !== 'chat_message' && type !== 'context_update') return { error: 'not_found' };
    this.#ids.set(id, content);
    return { reply: 'message_delivered' };
  }
}

export function envelopeOf(text: string): undefined | Envelope {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const [type, data, id] = [own(value, 'type'), own(value, 'data'), own(value, 'id')];
  if (typeof type !== 'string' || type.length < 1 || type.length > 64 || !isObject(data)) return undefined;
  if (id !== undefined && (typeof id !== 'string' || id.length < 1 || id.length > 64)) return undefined;
  return { type, data, id };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (object: object, key: string): unknown =>
  Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
