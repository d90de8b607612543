import { expect, test } from 'vitest';
import { PeerHold } from './peer-hold.ts';
import type { ChatSocket } from './socket.ts';

test('LOA-5 a peer is read from again only when no reason is left', () => {
  const calls: string[] = [];
  const socket = { pause: () => calls.push('pause'), resume: () => calls.push('resume') };
  const hold = new PeerHold(socket as unknown as ChatSocket);
  hold.release('fairness');
  hold.hold('fairness');
  hold.hold('answers');
  hold.hold('answers');
  hold.release('fairness');
  expect([calls, hold.holds('answers'), hold.holds('fairness')]).toEqual([['pause'], true, false]);
  hold.release('answers');
  hold.release('answers');
  expect(calls).toEqual(['pause', 'resume']);
});
