import type { ThreadDetail, ThreadList } from '../../../protocol/http/threads.ts';

/** What a request about threads was answered with; `body` only where there is one. */
export interface Answer<B> {
  readonly status: number;
  readonly body: B;
}

/** Asks about a thread as the owner of a key. */
export async function threadRequest<B = ThreadDetail>(
  url: string,
  sessionId: string,
  method: 'GET' | 'DELETE' = 'GET',
  apiKey = 'development',
): Promise<Answer<B>> {
  const response = await fetch(`${url}/api/chat/threads/${sessionId}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}` },
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as B };
}

export async function listThreads(url: string, apiKey = 'development'): Promise<ThreadList> {
  const response = await fetch(`${url}/api/chat/threads`, { headers: { authorization: `Bearer ${apiKey}` } });
  return (await response.json()) as ThreadList;
}
