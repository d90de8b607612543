import { describe, expect, it } from 'vitest';
import { historySchema } from '../../protocol/chat/restore.ts';
import type { HistoryPage } from '../store/store.ts';
import { historyJson, toHistory } from './history.ts';

const ts = '2026-01-01T00:00:00.000Z';
const message = (text: string, seq: number) => ({
  id: `message-${seq}`,
  seq,
  role: 'user',
  parts: [{ type: 'text', text }],
  status: 'completed',
  ts,
});
const event = (text: string, seq: number, type = 'message_created') =>
  JSON.stringify({ type, data: { message: message(text, seq) }, seq, tag: 'abc', ts });

const page: HistoryPage = {
  items: [
    { event: event('hello', 1), annotation: undefined },
    // A text that looks like the end of the event.
    { event: event('"}},"seq":9,"tag":"x"}', 2, 'message_completed'), annotation: '{}' },
    { event: event('done', 3, 'message_completed'), annotation: '{"run_outcome":"completed"}' },
    // Fields in another order.
    { event: JSON.stringify({ seq: 4, data: { message: message('old', 4) } }), annotation: undefined },
  ],
  total: 9,
  hasMore: true,
};

describe('history', () => {
  it('HTP-10 shows each stored message with what was annotated later', () => {
    const history = toHistory(page);
    expect(history).toEqual({
      messages: [
        message('hello', 1),
        message('"}},"seq":9,"tag":"x"}', 2),
        { ...message('done', 3), run_outcome: 'completed' },
        message('old', 4),
      ],
      total: 9,
      has_more: true,
    });
    expect(historySchema.parse(history)).toEqual(history);
  });

  it('HTP-10 is the same as text, without having been parsed', () => {
    expect(JSON.parse(historyJson(page))).toEqual(toHistory(page));
    expect(historyJson({ items: [], total: 0, hasMore: false })).toBe(
      '{"messages":[],"total":0,"has_more":false}',
    );
  });
});
