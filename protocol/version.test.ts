import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DOWN, EVENTS } from './chat/down.ts';
import { MAX_CONTENT_CHARACTERS, MAX_METADATA_BYTES } from './chat/message.ts';
import { MAX_INPUT_RESPONSES, MAX_INPUT_VALUE_BYTES } from './chat/run.ts';
import { STATE_CHANGING, UP } from './chat/up.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { envelopeSchema } from './envelope.ts';
import { ERROR_KINDS } from './errors.ts';
import { healthSchema, readySchema } from './http/health.ts';
import { problemSchema } from './http/problem.ts';
import * as threads from './http/threads.ts';
import { CLIENT_ID_PATTERN, MESSAGE_ID_PATTERN } from './ids.ts';
import { MAX_JSON_DEPTH } from './json.ts';
import { PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from './version.ts';

/** The wire of this version. Version 1 is not released yet: until it is, its hash may change without a new version. */
const PINNED = { version: 1, hash: 'vfg4B1lI9dMYS2yhVcopCr' };

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' });
const all = (schemas: Readonly<Record<string, unknown>>, io: 'input' | 'output') =>
  Object.fromEntries(
    Object.entries(schemas).flatMap(([name, schema]) =>
      schema instanceof z.ZodType ? [[name, jsonSchema(schema, io)]] : [],
    ),
  );

/** All that a peer could notice, as data. Limits that JSON Schema cannot say stand beside the schemas. */
const wire = {
  envelope: jsonSchema(envelopeSchema, 'input'),
  up: all(UP, 'input'),
  down: all(DOWN, 'output'),
  events: Object.keys(EVENTS),
  state_changing: STATE_CHANGING,
  http: {
    in: all(threads, 'input'),
    out: all({ ...threads, problemSchema, healthSchema, readySchema }, 'output'),
  },
  errors: ERROR_KINDS,
  close_codes: CLOSE_CODES,
  limits: {
    CLIENT_ID_PATTERN: CLIENT_ID_PATTERN.source,
    MESSAGE_ID_PATTERN: MESSAGE_ID_PATTERN.source,
    MAX_CONTENT_CHARACTERS,
    MAX_METADATA_BYTES,
    MAX_INPUT_RESPONSES,
    MAX_INPUT_VALUE_BYTES,
    MAX_JSON_DEPTH,
  },
};

/** JSON with sorted keys and without descriptions: neither is anything that a peer could notice. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, node: unknown) =>
    typeof node === 'object' && node !== null && !Array.isArray(node)
      ? Object.fromEntries(
          Object.entries(node)
            .filter(([key, child]) => key !== 'description' || typeof child !== 'string')
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : node,
  );
}

describe('the protocol version', () => {
  it('grows with the schemas', () => {
    const hash = createHash('sha256').update(stableJson(wire)).digest('base64url').slice(0, 22);
    const advice = [
      'The wire changed: schemas, error types, close codes or limits in protocol/ are not those that were pinned.',
      'If an older peer could notice, raise PROTOCOL_VERSION, write a line into its history in protocol/version.ts,',
      'and say in SUPPORTED_PROTOCOL_VERSIONS what is still spoken. Bring PROTOCOL.md up to date.',
      `Then pin what is now: { version: ${PROTOCOL_VERSION}, hash: '${hash}' }.`,
      '(An upgrade of zod can change how schemas are written down; then only the hash is new.)',
    ].join('\n');
    expect({ version: PROTOCOL_VERSION, hash }, advice).toEqual(PINNED);
  });

  it('has a line for each version in its history', () => {
    const text = readFileSync(new URL('./version.ts', import.meta.url), 'utf8');
    const lines = [...text.matchAll(/^ \* - (\d+): \S/gm)].map((match) => Number(match[1]));
    expect(lines).toEqual(Array.from({ length: PROTOCOL_VERSION }, (_, i) => i + 1));
  });

  it('HEL-27 is the newest of those that are spoken, oldest first', () => {
    expect(SUPPORTED_PROTOCOL_VERSIONS.at(-1)).toBe(PROTOCOL_VERSION);
    expect([...SUPPORTED_PROTOCOL_VERSIONS].sort((a, b) => a - b)).toEqual(SUPPORTED_PROTOCOL_VERSIONS);
  });
});
