import { isDeepStrictEqual } from 'node:util';
import { type ThreadDetail, threadDetailSchema } from '../protocol/http/threads.ts';
import type { Held, HeldMessage } from './held.ts';
import { WireClient } from './wire-client.ts';

/** What the server holds of one session. */
export interface ServerHoldings {
  readonly seq: number;
  readonly messages: readonly HeldMessage[];
  readonly memory: unknown;
  readonly preferences: unknown;
}

/** Asks the server what it holds: the whole transcript over HTTP, place and context over a socket of its own. */
export async function serverHolds(url: string, apiKey: string, sessionId: string): Promise<ServerHoldings> {
  const messages: HeldMessage[] = [];
  for (let before: undefined | number; ; before = messages[0]?.seq) {
    const { history } = await page(url, apiKey, sessionId, before);
    messages.unshift(...history.messages.map(heldMessage));
    if (!history.has_more) break;
  }
  await using client = await WireClient.connect(url, { api_key: apiKey, session_id: sessionId });
  const { context } = client.restored ?? { context: { memory: {}, preferences: {} } };
  await client.close();
  return {
    seq: client.position.seq,
    messages,
    memory: context.memory,
    preferences: context.preferences,
  };
}

/** What a page holds otherwise than the server, one line for each; a page may hold only the newest messages. */
export function differences(held: Held, server: ServerHoldings): readonly string[] {
  const found: string[] = [];
  const differ = (what: string, page: unknown, truth: unknown) => {
    if (!isDeepStrictEqual(page, truth))
      found.push(`${what}: the page has ${JSON.stringify(page)}, the server ${JSON.stringify(truth)}`);
  };
  const ids = held.messages.map((message) => message.id);
  if (new Set(ids).size < ids.length) found.push('the page has a message twice');
  if (held.messages.length < Math.min(server.messages.length, PAGE))
    found.push(`the page has ${held.messages.length} messages, the server ${server.messages.length}`);
  const newest = held.messages.length === 0 ? [] : server.messages.slice(-held.messages.length);
  held.messages.forEach((message, i) => {
    const { id, seq, role, status, text } = message;
    differ(`message ${i + 1}`, { id, seq, role, status, text }, newest[i]);
  });
  differ('place in the log', held.position?.seq ?? 0, server.seq);
  differ('memory', held.memory ?? {}, server.memory);
  differ('preferences', held.preferences ?? {}, server.preferences);
  return found;
}

/** The newest messages of a snapshot: a page holds at least these. */
const PAGE = 50;

async function page(
  url: string,
  apiKey: string,
  sessionId: string,
  before: undefined | number,
): Promise<ThreadDetail> {
  const query = before === undefined ? '' : `&before_seq=${before}`;
  const response = await fetch(`${url}/api/chat/threads/${encodeURIComponent(sessionId)}?limit=500${query}`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  if (!response.ok) throw new Error(`the thread was not given: ${response.status} ${await response.text()}`);
  return threadDetailSchema.parse(await response.json());
}

function heldMessage(message: ThreadDetail['history']['messages'][number]): HeldMessage {
  const { id, seq, role, status, parts } = message;
  const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
  return { id, seq, role, status, text };
}
