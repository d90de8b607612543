import { expect, test } from 'vitest';
import type { JsonObject } from '../../protocol/json.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import { describeStores } from './support/site.ts';

/** Examples of RFC 7386, appendix A, one member deeper: what is patched here is always an object. */
const MERGES: readonly (readonly [target: JsonObject, patch: JsonObject, result: JsonObject])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ x: ['a', 'b'] }, { x: ['c', 'd'] }, { x: ['c', 'd'] }],
  [{ x: { a: 'b' } }, { x: ['c'] }, { x: ['c'] }],
  [{ e: 'none' }, { a: 1 }, { e: 'none', a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{ a: [null, { b: null }] }, {}, { a: [null, { b: null }] }],
  [{ a: { deep: { er: 1, est: 2 } } }, { a: { deep: { er: null } } }, { a: { deep: { est: 2 } } }],
  [
    { '': 0, constructor: 1 },
    { '': null, toString: 'x' },
    { constructor: 1, toString: 'x' },
  ],
];

describeStores('context', { MAX_CONTEXT_BYTES: '1000' }, (site) => {
  const contextOf = async (client: WireClient) => (await client.request('context_request', {})).data;

  test('SES-30 a patch merges by RFC 7386', async () => {
    for (const [target, patch, result] of MERGES) {
      await using client = await WireClient.connect(site.url);
      await client.request('context_update', { memory: target, preferences: target });
      await client.request('context_update', { memory: patch });
      const expected = { memory: result, preferences: target };
      expect(await contextOf(client)).toMatchObject(expected);
      expect(JSON.stringify(((await contextOf(client)) as { memory: unknown }).memory)).toBe(
        JSON.stringify(result),
      );
      await using other = await WireClient.connect(site.url, { session_id: client.sessionId });
      expect(other.restored?.context.memory).toEqual(result);
    }
  });

  test('SES-31 it is an event with the patch, for every device, and acknowledged', async () => {
    await using client = await WireClient.connect(site.url);
    await using other = await WireClient.connect(site.url, { session_id: client.sessionId });
    const reply = await client.request(
      'context_update',
      { memory: { a: null }, preferences: { b: 1 } },
      'my-update-1',
    );
    expect(reply.data).toEqual({
      original_type: 'context_update',
      message_id: 'my-update-1',
      seq: 1,
      status: 'success',
    });
    for (const device of [client, other]) {
      const event = await device.next('context_updated');
      expect(event.data).toEqual({ memory: { a: null }, preferences: { b: 1 } });
      expect(event.seq).toBe(1);
    }
  });

  test('MSG-46 context_request shows the context and its position', async () => {
    await using client = await WireClient.connect(site.url);
    await client.request('context_update', { memory: { a: 1 } });
    const { position } = client;
    expect(await contextOf(client)).toEqual({
      memory: { a: 1 },
      preferences: {},
      workflow: null,
      tool_calls: [],
      position,
    });
  });

  test('MSG-11 a patch of nothing, or of another kind, is invalid', async () => {
    await using client = await WireClient.connect(site.url);
    for (const data of [{}, { memory: [] }, { preferences: 'x' }, { memory: null }])
      expectError(await client.request('context_update', data as never), {
        error_type: 'invalid_message',
        code: 422,
      });
  });

  test('SES-32 up to MAX_CONTEXT_BYTES, inclusive; beyond, nothing changes', async () => {
    await using client = await WireClient.connect(site.url);
    // {"a":"…"} and {}: 10 bytes beside the text.
    const fill = (bytes: number) => ({ memory: { a: 'x'.repeat(bytes - 10) } });
    expectError(await client.request('context_update', fill(1001)), {
      error_type: 'limit_exceeded',
      code: 413,
    });
    expect((await client.request('context_update', fill(1000))).type).toBe('message_delivered');
    const more = await client.request('context_update', { preferences: { b: 1 } });
    expectError(more, { error_type: 'limit_exceeded', code: 413, retryable: false });
    expect(await contextOf(client)).toMatchObject({ preferences: {}, position: { seq: 1 } });
    expect(
      (await client.request('context_update', { memory: { a: null }, preferences: { b: 1 } })).type,
    ).toBe('message_delivered');
  });

  test('SES-32 bytes are counted, not characters', async () => {
    await using client = await WireClient.connect(site.url);
    const reply = await client.request('context_update', { memory: { a: 'ü'.repeat(496) } });
    expectError(reply, { error_type: 'limit_exceeded', code: 413 });
  });

  test('SES-33 patches of several devices at once are all applied', async () => {
    await using first = await WireClient.connect(site.url);
    await using second = await WireClient.connect(site.url, { session_id: first.sessionId });
    for (let i = 0; i < 40; i++)
      (i % 2 === 0 ? first : second).send('context_update', { memory: { [`k${i}`]: i } });
    for (const device of [first, second]) await device.find((frame) => frame.seq === 40);
    const { memory } = (await contextOf(second)) as { memory: JsonObject };
    expect(Object.keys(memory)).toHaveLength(40);
    expect(await contextOf(first)).toEqual(await contextOf(second));
  });

  test('DEL-11 a repeated patch is not applied again', async () => {
    await using client = await WireClient.connect(site.url);
    await client.request('context_update', { memory: { a: 1 } }, 'my-update-1');
    await client.request('context_update', { memory: { a: 2 } }, 'my-update-2');
    client.send('context_update', { memory: { a: 1 } }, 'my-update-1');
    const again = await client.next('message_delivered', (data) => data.status === 'duplicate');
    expect(again.data.seq).toBe(1);
    expect(await contextOf(client)).toMatchObject({ memory: { a: 2 }, position: { seq: 2 } });
  });
});
