import { expect, test } from 'vitest';
import { metric } from '../../test-helpers/server-process.ts';
import { describeStore } from '../wire/support/site.ts';
import { Tcp } from './support/tcp.ts';

const SHORT = {
  HTTP_HEADERS_TIMEOUT_MS: '300',
  HTTP_REQUEST_TIMEOUT_MS: '600',
  HTTP_IDLE_TIMEOUT_MS: '300',
  HTTP_WRITE_TIMEOUT_MS: '500',
};

describeStore('sqlite', 'slow HTTP', SHORT, (site) => {
  test.each([
    ['asks nothing', '', 0, 408],
    ['never ends its headers', 'GET / HTTP/1.1\r\nHost: localhost\r\n', 0, 408],
    ['sends a header now and then', 'GET / HTTP/1.1\r\nHost: localhost\r\n', 'X-a: b\r\n', 408],
    [
      'never ends its body',
      'POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n',
      ' ',
      408,
    ],
    ['idles after an answer', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 0, 200],
  ] as const)('HTP-52 a connection that %s is closed', async (_what, first, dribble, status) => {
    await using tcp = await Tcp.open(site.url);
    tcp.send(first);
    const timer = dribble === 0 ? undefined : setInterval(() => tcp.send(dribble), 50);
    await tcp.closed();
    clearInterval(timer);
    expect([status, 0]).toContain(await tcp.status());
  });

  /** More than the kernel takes for a peer that reads nothing. */
  const MANY = 'GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(400);

  test('HTP-53 a peer that reads nothing of its answers is dropped', async () => {
    const descriptors = () => metric(site.url, 'process_open_fds');
    await using tcp = await Tcp.open(site.url);
    tcp.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await tcp.has('uptime');
    const before = await descriptors();
    tcp.socket.pause();
    tcp.send(MANY);
    // A peer that does not read does not see its end: the server has one descriptor less.
    const deadline = performance.now() + 20_000;
    while ((await descriptors()) >= before)
      if (performance.now() > deadline) throw new Error('the peer was not dropped');
  });

  test('HTP-53 one that reads slowly, but reads, is not', async () => {
    await using tcp = await Tcp.open(site.url);
    tcp.send(MANY);
    // Pauses that are shorter than the timeout each, and longer in all: being slow is what is tested.
    for (let i = 0; i < 12; i++) {
      tcp.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 150));
      tcp.socket.resume();
      await new Promise((resolve) => tcp.socket.once('data', resolve));
    }
    await tcp.has('\r\n');
    expect(tcp.isClosed).toBe(false);
  });
});
