import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type App, createApp } from '../../server/app.ts';
import { SystemClock } from '../../server/clock.ts';
import { readSettings } from '../../server/config.ts';
import { createLog } from '../../server/log.ts';
import { SystemRandom } from '../../server/random.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';

// The machine slept, or its clock was set: the server was not told, and time that nobody saw pass is no silence.

let dataDir: string;
let clock: SystemClock;
let app: App;
let url: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const read = readSettings({
    ...{ NODE_ENV: 'test', PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'error' },
    ...{ HEARTBEAT_INTERVAL_MS: '1000', ATTACH_BEAT_MS: '500', SWEEP_INTERVAL_MS: '100' },
  });
  if (!read.ok) throw new Error(read.faults.join('\n'));
  clock = new SystemClock();
  app = await createApp(read.settings, {
    clock,
    random: new SystemRandom(clock),
    log: createLog(read.settings),
  });
  url = await app.listen();
});
afterEach(async () => {
  await app.close();
  await rm(dataDir, { recursive: true });
});

for (const [what, ms] of [
  ['forward', 3_600_000],
  ['back', -3_600_000],
] as const)
  test(`FLO-6 a clock that is set ${what} by an hour drops nobody, stops no answer, and nothing expires`, async () => {
    await using client = await WireClient.connect(url);
    client.send('chat_message', { content: 'count to 80' });
    await client.next('message_delta');
    clock.advance(ms);
    // It is still looked after, and its answer goes on.
    await once(client.socket, 'ping');
    expect(await client.runFinished()).toMatchObject({ outcome: 'completed' });
    await once(client.socket, 'ping');
    await using back = await WireClient.resume(url, client);
    expect(back.success).toMatchObject({ outcome: 'restored', tier: 'brief' });
  });
