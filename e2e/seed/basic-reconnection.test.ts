import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores } from '../wire/support/site.ts';
import { converse, cutOff, historyOf } from './support/conversation.ts';
import { median, printFigures, shareKept, timed } from './support/figures.ts';

const REPEATS = 10;

describeStores('seed 003, test case 1', { AGENT: 'demo' }, (site) => {
  test('test_basic_reconnection_preserves_conversation_history', async () => {
    await using first = await WireClient.connect(site.url);
    await converse(first, ['one', 'two', 'three', 'four', 'five']);
    const original = await historyOf(first, ['user']);
    const everything = await historyOf(first);
    expect(original).toHaveLength(5);

    const times: number[] = [];
    let kept = 1;
    let client: WireClient = first;
    for (let i = 0; i < REPEATS; i++) {
      await cutOff(client, site.url);
      await site.advance(2500);
      // The same session token as at first, every time: from the socket's opening to the history in hand.
      const { value, ms } = await timed(async () => {
        const back = await WireClient.connect(site.url, { session_token: first.token });
        return { back, retrieved: await historyOf(back, ['user']) };
      });
      const { back, retrieved } = value;
      client = back;
      times.push(ms);

      expect(retrieved).toHaveLength(5);
      expect(retrieved).toEqual(original);
      // In order, without a repeat, with their times; and the agent's answers between them, at once.
      expect(retrieved.map((message) => message.seq)).toEqual(
        [...new Set(original.map((message) => message.seq))].sort((a, b) => a - b),
      );
      expect(back.restored?.history.messages).toEqual(everything);
      expect(everything.map((message) => message.role)).toEqual(
        original.flatMap(() => ['user', 'assistant']),
      );
      expect(back.success).toMatchObject({ session_id: first.sessionId, outcome: 'restored', tier: 'brief' });
      kept = Math.min(
        kept,
        shareKept(Object.fromEntries(original.map((m, at) => [m.id, retrieved[at]?.id === m.id]))),
      );
    }
    await cutOff(client, site.url);
    printFigures('test_basic_reconnection_preserves_conversation_history', site.kind, {
      messages: original.length,
      preserved: kept,
      'median ms': median(times),
      'longest ms': Math.max(...times),
    });
    expect(kept).toBe(1);
    expect(Math.max(...times)).toBeLessThan(1000);
  });
});
