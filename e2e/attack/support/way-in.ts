import type { DownData } from '../../../protocol/chat/down.ts';
import { problemSchema } from '../../../protocol/http/problem.ts';
import { WireClient } from '../../../test-helpers/wire-client.ts';

/** What a `connect` comes to: `in`, or the error's type and the close code (`open`: the connection stays). */
export async function connectVerdict(url: string, data: unknown): Promise<string> {
  await using client = await WireClient.open(url);
  client.sendRaw(JSON.stringify({ type: 'connect', data, id: 'the-connect' }));
  const answer = await client.find((frame) => frame.type === 'connection_success' || frame.type === 'error');
  if (answer.type === 'connection_success') return 'in';
  const { error_type, retryable } = answer.data as DownData<'error'>;
  if (retryable) return `${error_type} retryable`;
  const ends = ['not_found', 'forbidden', 'not_available', 'limit_exceeded'].includes(error_type);
  return `${error_type} ${ends ? 'open' : (await client.closed()).code}`;
}

/** What a bearer comes to over HTTP: `in`, or the status and the error's type. */
export async function bearerVerdict(url: string, bearer: string): Promise<string> {
  const answer = await fetch(`${url}/api/chat/threads`, { headers: { authorization: `Bearer ${bearer}` } });
  const body: unknown = await answer.json();
  if (answer.ok) return 'in';
  return `${answer.status} ${problemSchema.parse(body).error_type}`;
}

/** Whether it can stand in a header as it is. */
export function fitsHeader(text: string): boolean {
  return /^[\x21-\x7e]{1,8192}$/.test(text);
}
