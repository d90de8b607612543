import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import type { SessionRestoredData } from '../../protocol/chat/restore.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores, type Site } from '../wire/support/site.ts';
import { threadRequest } from '../wire/support/threads.ts';
import { contextOf, cutOff, fillSession, historyOf } from './support/conversation.ts';
import { printFigures, shareKept, timed } from './support/figures.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const REPEATS = 5;

/** Sessions that were full of everything, left alone for `awayMs` by the server's clock, and returned to. */
async function absences(site: Site, count: number, awayMs: number) {
  const sessions = await Promise.all(
    Array.from({ length: count }, async () => {
      const before = await WireClient.connect(site.url);
      await fillSession(before);
      return { before, messages: await historyOf(before), context: await contextOf(before) };
    }),
  );
  await cutOff(
    sessions.map(({ before }) => before),
    site.url,
  );
  await site.advance(awayMs);
  const returned = [];
  for (const { before, messages, context } of sessions) {
    const { value: back, ms } = await timed(() =>
      WireClient.connect(site.url, { session_token: before.token }),
    );
    const restored = back.restored!;
    const kept = shareKept({
      messages: isDeepStrictEqual(restored.history.messages, messages),
      memory: isDeepStrictEqual(restored.context.memory, context.memory),
      preferences: isDeepStrictEqual(restored.context.preferences, context.preferences),
      workflow: isDeepStrictEqual(restored.context.workflow, context.workflow),
      'tool calls': isDeepStrictEqual(restored.context.tool_calls, context.tool_calls),
    });
    returned.push({ before, messages, back, restored, kept, ms });
  }
  return returned;
}

/** Absences after which the session has to be as it was, and to go on. */
async function kept(site: Site, awayMs: number, check: (restored: SessionRestoredData) => void) {
  const returned = await absences(site, REPEATS, awayMs);
  for (const { before, back, restored } of returned) {
    check(restored);
    expect(restored.disconnected_ms).toBeGreaterThanOrEqual(awayMs);
    expect(back.sessionId).toBe(before.sessionId);
    await back.say('I am back');
    expect(await back.runFinished()).toMatchObject({ outcome: 'completed' });
  }
  await cutOff(
    returned.map(({ back }) => back),
    site.url,
  );
  return {
    kept: Math.min(...returned.map((one) => one.kept)),
    longestMs: Math.max(...returned.map((one) => one.ms)),
  };
}

describeStores('seed 003, test case 5', { AGENT: 'demo' }, (site) => {
  test('test_reconnection_brief_vs_extended_disconnection_periods', async () => {
    const brief = await kept(site, 15 * SECOND, (restored) => {
      expect(restored).toMatchObject({ outcome: 'restored', tier: 'brief', warnings: [] });
    });
    const medium = await kept(site, 2 * MINUTE, (restored) => {
      expect(restored).toMatchObject({ outcome: 'restored', tier: 'medium' });
      expect(restored.warnings[0]).toMatchObject({ code: 'away' });
    });

    const [late] = await absences(site, 1, 10 * MINUTE);
    const { before, messages, back, restored, ms } = late!;
    expect(back.success).toMatchObject({
      outcome: 'expired',
      tier: 'expired',
      previous_session_id: before.sessionId,
      position: { seq: 0 },
    });
    expect(back.sessionId).not.toBe(before.sessionId);
    expect(restored).toMatchObject({
      outcome: 'expired',
      history: { messages: [], total: 0 },
      context: { memory: {}, preferences: {}, workflow: null, tool_calls: [] },
      run: null,
      partial: null,
    });
    // It is a session like any other, and the old one can still be read.
    await back.say('A new beginning');
    expect((await back.next('message_completed')).data.message.parts).toEqual([
      { type: 'text', text: 'Message 1: "A new beginning"' },
    ]);
    await back.runFinished();
    const thread = await threadRequest(site.url, before.sessionId);
    expect(thread).toMatchObject({ status: 200, body: { archived: true } });
    expect(thread.body.message_count).toBe(messages.length);
    // The same for everybody who comes back too late: the other token leads to the same new session.
    await using other = await WireClient.connect(site.url, { session_token: before.token });
    expect(other.success).toMatchObject({ outcome: 'expired', session_id: back.sessionId });
    await cutOff(back, site.url, 1);

    printFigures('test_reconnection_brief_vs_extended_disconnection_periods', site.kind, {
      'brief preserved': brief.kept,
      'brief longest ms': brief.longestMs,
      'medium preserved': medium.kept,
      'medium longest ms': medium.longestMs,
      'extended ms': ms,
      'extended expired': back.success?.outcome === 'expired',
    });
    expect(brief.kept).toBe(1);
    expect(brief.longestMs).toBeLessThan(500);
    expect(medium.kept).toBeGreaterThanOrEqual(0.95);
    expect(medium.longestMs).toBeLessThan(2000);
  });
});
