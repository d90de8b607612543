import { describe, expect, it } from 'vitest';
import { channelName } from './chat/channel.ts';
import { chatMessageData, MAX_CONTENT_CHARACTERS, MAX_METADATA_BYTES } from './chat/message.ts';
import { parseUp } from './chat/parse.ts';
import { historyRequestData } from './chat/restore.ts';
import { inputRespondData, MAX_INPUT_RESPONSES, MAX_INPUT_VALUE_BYTES } from './chat/run.ts';
import { CLIENT_ID_PATTERN, label } from './ids.ts';
import { jsonObject, jsonValue, MAX_JSON_DEPTH } from './json.ts';

const takes = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
  schema.safeParse(value).success;

describe('the limits of what a client may send (both sides of each)', () => {
  it('MSG-32 a message has 1 to 100 000 characters, whatever their size', () => {
    expect(MAX_CONTENT_CHARACTERS).toBe(100_000);
    for (const character of ['a', 'ä', '漢', '😀', '\ud800']) {
      expect(takes(chatMessageData, { content: character.repeat(100_000) })).toBe(true);
      expect(takes(chatMessageData, { content: character.repeat(100_001) })).toBe(false);
    }
    expect(takes(chatMessageData, { content: '' })).toBe(false);
    expect(takes(chatMessageData, { content: ' ' })).toBe(true);
  });

  it('MSG-32 metadata has 4 096 bytes as JSON', () => {
    const metadata = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
    expect(takes(chatMessageData, { content: 'x', metadata: metadata(MAX_METADATA_BYTES) })).toBe(true);
    expect(takes(chatMessageData, { content: 'x', metadata: metadata(MAX_METADATA_BYTES + 1) })).toBe(false);
    // Bytes, not characters.
    expect(takes(chatMessageData, { content: 'x', metadata: { a: '漢'.repeat(1400) } })).toBe(false);
    for (const metadata of [null, [], 'x', 1])
      expect(takes(chatMessageData, { content: 'x', metadata })).toBe(false);
  });

  it('MSG-19 JSON nests 64 deep', () => {
    const arrays = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;
    const objects = (depth: number) => JSON.parse('{"a":'.repeat(depth) + 1 + '}'.repeat(depth)) as unknown;
    expect(takes(jsonValue, arrays(MAX_JSON_DEPTH))).toBe(true);
    expect(takes(jsonValue, arrays(MAX_JSON_DEPTH + 1))).toBe(false);
    expect(takes(jsonObject, objects(MAX_JSON_DEPTH))).toBe(true);
    expect(takes(jsonObject, objects(MAX_JSON_DEPTH + 1))).toBe(false);
    expect(takes(jsonObject, JSON.parse('{"a":[{"__proto__":1}]}'))).toBe(false);
    expect(takes(jsonObject, JSON.parse('{"a":["__proto__"]}'))).toBe(true);
  });

  it('MSG-50 a number that no double can hold is refused, wherever it stands, and its issue names the field', () => {
    const infinite = JSON.parse('1e400') as unknown;
    for (const value of [infinite, -Number(infinite), Number.NaN, [1, { a: infinite }]])
      expect(takes(jsonValue, value)).toBe(false);
    for (const value of ['1e308', '-0', '5e-324', '1e-400', '9007199254740993'])
      expect(takes(jsonValue, JSON.parse(value))).toBe(true);
    const patch = parseUp(
      'context_update',
      { memory: { a: 1 }, preferences: { b: [infinite] } },
      'patch-0001',
    );
    expect(patch).toMatchObject({ ok: false, issues: [{ path: 'data.preferences' }] });
    const message = parseUp('chat_message', { content: 'x', metadata: { a: infinite } }, 'message-0001');
    expect(message).toMatchObject({ ok: false, issues: [{ path: 'data.metadata' }] });
    const answer = parseUp(
      'input_respond',
      { responses: [{ request_id: 'r', value: { a: infinite } }] },
      'answer-0001',
    );
    expect(answer).toMatchObject({ ok: false, issues: [{ path: 'data.responses.0.value' }] });
  });

  it('MSG-43 a batch has 1 to 64 answers, each with approved or a value, and no request twice', () => {
    const answers = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ request_id: `r${i}`, approved: true }));
    const respond = (responses: unknown) => takes(inputRespondData, { responses });
    expect(respond(answers(MAX_INPUT_RESPONSES))).toBe(true);
    expect(respond(answers(MAX_INPUT_RESPONSES + 1))).toBe(false);
    expect(respond([])).toBe(false);
    expect(respond([{ request_id: 'r' }])).toBe(false);
    expect(respond([{ request_id: 'r', value: null }])).toBe(true);
    expect(
      respond([
        { request_id: 'r', value: 1 },
        { request_id: 'r', value: 1 },
      ]),
    ).toBe(false);
    const text = (bytes: number) => 'x'.repeat(bytes - 2);
    expect(respond([{ request_id: 'r', value: text(MAX_INPUT_VALUE_BYTES) }])).toBe(true);
    expect(respond([{ request_id: 'r', value: text(MAX_INPUT_VALUE_BYTES + 1) }])).toBe(false);
  });

  it('MSG-45 a page of history has 1 to 500 messages', () => {
    for (const limit of [1, 500]) expect(takes(historyRequestData, { limit })).toBe(true);
    for (const limit of [0, 501, 1.5, '5', null]) expect(takes(historyRequestData, { limit })).toBe(false);
    for (const before_seq of [0, -1]) expect(takes(historyRequestData, { before_seq })).toBe(false);
    for (const roles of [[], ['nobody']]) expect(takes(historyRequestData, { roles })).toBe(false);
  });

  it('HEL-1 HEL-14 labels are what they may be', () => {
    expect(['a', 'A-z_9', 'x'.repeat(64)].every((id) => CLIENT_ID_PATTERN.test(id))).toBe(true);
    for (const id of ['', 'x'.repeat(65), 'a b', 'a.b', 'ä', 'a\n'])
      expect(CLIENT_ID_PATTERN.test(id)).toBe(false);
    for (const good of ['personal', 'team:1', 'A.b_c-d', 'x'.repeat(128)])
      expect(takes(label, good)).toBe(true);
    for (const bad of ['', 'x'.repeat(129), 'a b', 'ä', 'a\n', 'a/b']) expect(takes(label, bad)).toBe(false);
    for (const bad of ['', 'Team', 'x'.repeat(129), 'a b']) expect(takes(channelName, bad)).toBe(false);
  });
});
