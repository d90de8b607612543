import type { Thread } from '../../../protocol/http/threads.ts';
import { countdown } from '../format/duration.ts';
import { cut, excerpt } from '../format/text.ts';
import { withoutHidden } from '../markdown/invisible.ts';

/** What a thread is called: its title, or the newest thing said in it. */
export function threadName(thread: Pick<Thread, 'title' | 'last_message'>): string {
  const name = thread.title ?? thread.last_message?.text ?? '';
  return name === '' ? 'New thread' : excerpt(withoutHidden(cut(name, 1_000)), 120);
}

/** The line below the name: how long it is kept, or the newest thing said. */
export function threadNote(thread: Thread): string {
  if (thread.archived) return 'archived, to read only';
  if (thread.expires_in_ms !== null) return `kept for ${countdown(thread.expires_in_ms)}`;
  return 'open now';
}

/** Threads whose name, newest message or id has every word of the query, in the order in which they came. */
export function findThreads(threads: readonly Thread[], query: string): readonly Thread[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return threads;
  return threads.filter((thread) => {
    const text =
      `${thread.title ?? ''} ${thread.last_message?.text ?? ''} ${thread.session_id}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
