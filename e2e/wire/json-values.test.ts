import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores } from './support/site.ts';

/** JSON texts that are taken, and what every device is shown of them. */
const VALUES: readonly (readonly [sent: string, shown: string])[] = [
  ['-0', '0'],
  ['1e2', '100'],
  ['1e21', '1e+21'],
  ['1e-7', '1e-7'],
  ['1e-400', '0'],
  ['5e-324', '5e-324'],
  ['1.7976931348623157e308', '1.7976931348623157e+308'],
  ['9007199254740993', '9007199254740992'],
  ['123456789012345678901234567890', '1.2345678901234568e+29'],
  ['"\\ud800 \\udc00 \\u0000 \\u2028"', '"\\ud800 \\udc00 \\u0000 \u2028"'],
  ['{"b":1,"a":2,"1":3,"b":4}', '{"1":3,"b":4,"a":2}'],
  ['{"\\ud800":1}', '{"\\ud800":1}'],
];
const SENT = VALUES.map(([sent]) => sent).join(',');
const SHOWN = VALUES.map(([, shown]) => shown).join(',');

/** Sends a frame as this very text: `JSON.stringify` could not write these values. */
function sendText(client: WireClient, type: string, id: string, data: string): void {
  client.sendRaw(`{"type":"${type}","id":"${id}","data":${data}}`);
}

describeStores('JSON values', {}, (site) => {
  test.each([
    ['context_update', '{"memory":{"a":[1,1e400]}}', 'data.memory'],
    ['context_update', '{"memory":{},"preferences":{"a":-1e400}}', 'data.preferences'],
    ['chat_message', '{"content":"x","metadata":{"a":{"b":1e999}}}', 'data.metadata'],
    ['input_respond', '{"responses":[{"request_id":"r","value":1e400}]}', 'data.responses.0.value'],
  ])('MSG-50 %s of %s is invalid, and changes nothing', async (type, data, path) => {
    await using client = await WireClient.connect(site.url);
    sendText(client, type, 'no-number-1', data);
    const { data: error } = await client.next('error');
    expect(error).toMatchObject({ error_type: 'invalid_message', code: 422, original_type: type });
    expect(error.issues).toEqual([{ path, message: expect.stringContaining('number') as string }]);
    const context = await client.request('context_request', {});
    expect(context.data).toMatchObject({ memory: {}, preferences: {}, position: { seq: 0 } });
  });

  test('MSG-50 DEL-3 what is taken is one text for every device, live, replayed, restored and in its history', async () => {
    await using client = await WireClient.connect(site.url);
    await using other = await WireClient.connect(site.url, { session_id: client.sessionId });
    sendText(client, 'context_update', 'patch-0001', `{"memory":{"values":[${SENT}]}}`);
    sendText(client, 'chat_message', 'message-0001', `{"content":"x","metadata":{"values":[${SENT}]}}`);
    const texts = new Set<string>();
    for (const device of [client, other]) {
      texts.add((await device.next('context_updated')).raw);
      const { raw } = await device.next('message_created');
      expect(raw).toContain(`"metadata":{"values":[${SHOWN}]}`);
    }
    expect([...texts]).toEqual([expect.stringContaining(`{"memory":{"values":[${SHOWN}]}}`)]);

    await using replayed = await WireClient.resume(site.url, client, {
      position: { epoch: client.position.epoch, seq: 0 },
    });
    await using restored = await WireClient.connect(site.url, { session_id: client.sessionId });
    for (const device of [client, other, replayed, restored]) {
      const { raw } = await device.request('context_request', {});
      expect(raw).toContain(`"memory":{"values":[${SHOWN}]}`);
      expect((await device.request('history_request', {})).raw).toContain(`"metadata":{"values":[${SHOWN}]}`);
    }
    expect(restored.frames.find(({ type }) => type === 'session_restored')?.raw).toContain(
      `"memory":{"values":[${SHOWN}]}`,
    );
  });
});
