import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore } from './support/site.ts';

// Two processes that were given one name, as a deployment of several copies does, and one that restarts under its name.
describeStore('redis', 'servers of one name', { NODE_ID: 'web', ATTACH_BEAT_MS: '60000' }, (site) => {
  test('DEL-2 tell each other what they store', async () => {
    const other = await site.start();
    await using here = await WireClient.connect(site.url);
    await using there = await WireClient.connect(other.url, { session_id: here.sessionId });
    expect(here.success?.node_id).toBe('web');
    expect(there.success?.node_id).toBe('web');
    await here.say('hello');
    await there.find((frame) => frame.seq === 1);
    await there.say('hello yourself');
    await here.find((frame) => frame.seq === 2);
  });
});
