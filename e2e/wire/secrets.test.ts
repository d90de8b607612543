import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores } from './support/site.ts';

const SECRETS = {
  METRICS_TOKEN: 'metrics-token-hunter2-0123456789abcdef',
  SESSION_SECRET: 'session-secret-hunter2-0123456789abcdef',
  JWT_SECRET: 'jwt-secret-hunter2-0123456789abcdef',
  JWT_AUDIENCE: 'holdfast-keys',
  TEST_API_KEY: 'test-key-hunter2-0123456789abcdef',
  LOG_LEVEL: 'trace',
};

describeStores('what is logged', SECRETS, (site) => {
  test('HEL-49 no key, token or secret, however much is logged', async () => {
    await using client = await WireClient.connect(site.url, { api_key: SECRETS.TEST_API_KEY });
    const said = 'words that are nobody else’s business';
    await client.say(said, { metadata: { card: '4111-1111' } });
    await client.request('context_update', { memory: { diary: 'dear diary' } });
    client.send('auth_refresh', { api_key: 'wrong-key-hunter2' });
    await client.closed();
    for (const data of [
      { api_key: 'wrong-key-hunter3' },
      { api_key: SECRETS.TEST_API_KEY, session_token: `${client.token}x` },
      { api_key: 'wrong-key-hunter4', session_token: client.token },
    ]) {
      await using refused = await WireClient.open(site.url, { path: '/debug/client_test?token=hunter5' });
      refused.send('connect', data);
      await refused.closed();
      expect(refused.frames.map((frame) => frame.raw).join('\n')).not.toMatch(/hunter|eyJ/);
    }
    await using again = await WireClient.resume(
      site.url,
      client,
      { api_key: SECRETS.TEST_API_KEY },
      { path: '/debug/client_test' },
    );
    const { data } = await again.next('debug');
    expect(JSON.stringify(data)).not.toMatch(/hunter|eyJ|diary/);
    const headers = { authorization: `Bearer ${SECRETS.TEST_API_KEY}` };
    for (const path of [
      '/api/chat/threads',
      '/api/chat/threads?key=hunter6',
      '/healthz',
      '/readyz',
      '/metrics',
      '/nowhere',
    ]) {
      const answer = await fetch(`${site.url}${path}`, { headers });
      expect(await answer.text()).not.toMatch(/hunter2|eyJ|diary/);
    }
    expect(site.server.log.length).toBeGreaterThan(5);
    const log = site.server.log.join('\n');
    for (const secret of ['hunter', 'eyJ', client.token, said, '4111-1111', 'dear diary'])
      expect(log).not.toContain(secret);
  });
});
