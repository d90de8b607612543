import type { Role } from '../../../protocol/chat/message.ts';
import type { AppendEvent, HistoryPage, LogPage } from '../store.ts';
import type { Reply } from './calls.ts';

const LETTERS: Readonly<Record<Role, string>> = { user: 'u', assistant: 'a', system: 's' };

/** An element of the log: a letter for the role, the tag, a space, and the JSON as it is. */
export function encodeEvent({ role, tag, json }: AppendEvent): string {
  return `${role === undefined ? '-' : LETTERS[role]}${tag} ${json}`;
}

/** The JSON of an element of the log. */
export function decodeEvent(element: string): string {
  return element.slice(element.indexOf(' ') + 1);
}

export function decodeEvents(reply: Reply): string[] {
  return (reply as string[]).map(decodeEvent);
}

/** The letters of the roles, all of them when none are named. */
export function encodeRoles(roles: undefined | readonly Role[]): string {
  return (roles ?? (Object.keys(LETTERS) as Role[])).map((role) => LETTERS[role]).join('');
}

/** @param reply newest first */
export function decodePage(reply: Reply): HistoryPage {
  const [events, annotations, total, more] = reply as [(null | string)[], (null | string)[], number, number];
  const items = events.flatMap((element, i) =>
    // An event that is missing is a fault, which `open` reports; the others are still worth reading.
    element === null ? [] : [{ event: decodeEvent(element), annotation: annotations[i] ?? undefined }],
  );
  return { items: items.reverse(), total, hasMore: more === 1 };
}

export function decodeLogPage(reply: Reply): LogPage {
  const [events, more] = reply as [Reply, number];
  return { events: decodeEvents(events), hasMore: more === 1 };
}
