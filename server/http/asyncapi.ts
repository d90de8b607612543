import { z } from 'zod';
import { EVENTS, UNLOGGED } from '../../protocol/chat/down.ts';
import { isStateChanging, UP, type UpType } from '../../protocol/chat/up.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { ERROR_KINDS } from '../../protocol/errors.ts';
import { CLIENT_ID_PATTERN, MESSAGE_ID_PATTERN } from '../../protocol/ids.ts';
import { PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from '../../protocol/version.ts';
import { OPEN_SCHEMAS } from './schemas.ts';

type JsonSchema = Record<string, unknown>;

/** The chat plane as an AsyncAPI 3 document, for people who write clients in other languages. */
export function asyncApi() {
  const up = Object.fromEntries(
    (Object.keys(UP) as UpType[]).map((type) => [`client.${type}`, upMessage(type)]),
  );
  const events = Object.entries(EVENTS).map(([type, data]) => [`server.${type}`, eventMessage(type, data)]);
  const unlogged = Object.entries(UNLOGGED).map(([type, data]) => [
    `server.${type}`,
    unloggedMessage(type, data),
  ]);
  const down = Object.fromEntries([...events, ...unlogged]) as Record<string, Message>;
  const inChannel = (names: string[]) => names.map((name) => ({ $ref: `#/channels/chat/messages/${name}` }));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Holdfast, chat plane',
      version: String(PROTOCOL_VERSION),
      description:
        'One WebSocket a client. Every message is one JSON text frame. The first is `connect`; every other one needs it.',
    },
    defaultContentType: 'application/json',
    channels: {
      chat: {
        address: '/client_{client_id}',
        description:
          'With DEBUG_ENDPOINTS also at /debug/client_{client_id}, which sends `debug` messages besides.',
        parameters: {
          client_id: {
            description: `The client's own label, ${CLIENT_ID_PATTERN.source}. It identifies nothing.`,
          },
        },
        messages: Object.fromEntries(
          [...Object.keys(up), ...Object.keys(down)].map((name) => [
            name,
            { $ref: `#/components/messages/${name}` },
          ]),
        ),
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
      },
    },
    operations: {
      receiveFromClient: {
        action: 'receive',
        summary: 'What a client may send',
        channel: { $ref: '#/channels/chat' },
        messages: inChannel(Object.keys(up)),
      },
      sendToClient: {
        action: 'send',
        summary: 'What the server sends',
        channel: { $ref: '#/channels/chat' },
        messages: inChannel(Object.keys(down)),
      },
    },
    components: { messages: { ...up, ...down } },
    'x-protocol-versions': SUPPORTED_PROTOCOL_VERSIONS,
    'x-close-codes': Object.values(CLOSE_CODES),
    'x-error-types': Object.entries(ERROR_KINDS).map(([error_type, { code, message, close, retryable }]) => ({
      error_type,
      code,
      message,
      retryable,
      close: close?.code ?? null,
    })),
  };
}

interface Message {
  readonly name: string;
  readonly summary: string;
  readonly payload: Frame;
}

interface Frame {
  readonly type: 'object';
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, JsonSchema>>;
}

/** AsyncAPI's own schema format is a superset of draft 7. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-7', ...OPEN_SCHEMAS });
  return rest;
}

function frame(
  type: string,
  data: JsonSchema,
  more: Record<string, JsonSchema>,
  required: readonly string[],
): Frame {
  return {
    type: 'object',
    required: ['type', 'data', ...required],
    properties: { type: { const: type }, data, ...more },
  };
}

function upMessage(type: UpType): Message {
  const changes = isStateChanging(type);
  const id = changes
    ? {
        type: 'string',
        pattern: MESSAGE_ID_PATTERN.source,
        description: "The client's own; the same again is stored once",
      }
    : { type: 'string', minLength: 1, maxLength: 64, description: 'Comes back as reply_to' };
  return {
    name: type,
    summary: changes
      ? 'Changes the session; acknowledged by message_delivered once it is stored'
      : 'Changes nothing',
    payload: frame(type, jsonSchema(UP[type], 'input'), { id }, changes ? ['id'] : []),
  };
}

function eventMessage(type: string, data: z.ZodType): Message {
  const place = {
    seq: { type: 'integer', minimum: 1, description: 'Its place in the log: 1, 2, 3 ... without gaps' },
    tag: { type: 'string' },
    ts: { type: 'string', format: 'date-time' },
  };
  return {
    name: type,
    summary: 'An event of the log: stored, replayed, the same on every device',
    payload: frame(type, jsonSchema(data, 'output'), place, Object.keys(place)),
  };
}

function unloggedMessage(type: string, data: z.ZodType): Message {
  const more = { reply_to: { type: 'string', description: 'The id of the message that it answers' } };
  return {
    name: type,
    summary: 'Not in the log',
    payload: frame(type, jsonSchema(data, 'output'), more, []),
  };
}
