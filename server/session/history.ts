import type { History, HistoryMessage } from '../../protocol/chat/restore.ts';
import type { HistoryPage } from '../store/store.ts';

type Item = HistoryPage['items'][number];

/** A page of stored messages as people see it. */
export function toHistory(page: HistoryPage): History {
  return {
    messages: page.items.map((item) => JSON.parse(messageJson(item)) as HistoryMessage),
    total: page.total,
    has_more: page.hasMore,
  };
}

/** The JSON of `toHistory`, put together from the stored texts without parsing them: a snapshot may hold megabytes. */
export function historyJson(page: HistoryPage): string {
  return `{"messages":[${page.items.map(messageJson).join(',')}],"total":${page.total},"has_more":${page.hasMore}}`;
}

/** How every stored event that carries a message begins and where its `data` ends: they are serialised in one place. */
const BEGINNINGS = ['message_created', 'message_completed'].map(
  (type) => `{"type":"${type}","data":{"message":`,
);
const END = '},"seq":';

/** The JSON of an item's message with its annotation. */
function messageJson({ event, annotation }: Item): string {
  const message = cutMessage(event) ?? parsedMessage(event);
  if (annotation === undefined || annotation === '{}') return message;
  return `${message.slice(0, -1)},${annotation.slice(1)}`;
}

function cutMessage(event: string): undefined | string {
  const beginning = BEGINNINGS.find((text) => event.startsWith(text));
  // The last one is the event's own: behind it stand only `seq`, `tag` and `ts`, which are the server's.
  const end = event.lastIndexOf(END);
  if (beginning === undefined || end < beginning.length || !event.endsWith('}')) return undefined;
  return event.slice(beginning.length, end);
}

/** For an event that was written in another order of fields, by another version. */
function parsedMessage(event: string): string {
  const { data } = JSON.parse(event) as { data: { message: unknown } };
  return JSON.stringify(data.message);
}
