import { expect } from 'vitest';
import { HttpLine } from './http-line.ts';
import { asksForEnd, endsWith, faultsOf } from './http-oracle.ts';
import { bytesOf, type HttpRequest } from './http-requests.ts';

/**
 * Sends request after request over one connection, each once the one before is answered as documented.
 * Answers how many were sent until the connection ended.
 */
export async function askAll(url: string, sample: readonly HttpRequest[]): Promise<number> {
  const line = await HttpLine.open(url);
  let sent = 0;
  for (const request of sample) {
    line.write(bytesOf(request));
    sent++;
    const answer = await line.answer(request.method);
    // A body that is too large is not read: the answer may get lost with it.
    if (answer === undefined && request.body.length > 65_536) break;
    const faults = answer === undefined ? ['was not answered'] : faultsOf(request, answer);
    const ends = answer !== undefined && endsWith(answer);
    // Of a socket path the header says what to upgrade to instead, and the connection is of no more use either way.
    if (asksForEnd(request) && !ends && answer?.status !== 426) faults.push('does not end the connection');
    if (faults.length > 0)
      throw new Error(`${bytesOf(request).toString('latin1').slice(0, 2000)}\n${faults.join('; ')}`);
    if (ends) expect(await line.ended()).toBe('');
    if (ends || asksForEnd(request)) break;
  }
  line.destroy();
  return sent;
}
