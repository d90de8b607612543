import { expect } from 'vitest';
import { WireClient } from '../../../test-helpers/wire-client.ts';
import { ADA } from './customers.ts';

/** Ada comes, says something, looks at what was said, and asks over HTTP, while others do their worst. */
export async function othersAreServed(url: string): Promise<void> {
  await using ada = await WireClient.connect(url, { api_key: ADA });
  await ada.say('hello');
  expect((await ada.request('history_request', {})).type).toBe('history');
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const headers = { authorization: `Bearer ${ADA}` };
  expect((await fetch(`${url}/api/chat/threads`, { headers })).status).toBe(200);
}
