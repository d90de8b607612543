import { createServer } from 'node:net';

// Below the range from which Linux takes the ports of outgoing connections (32768 and up): a port from there could
// be gone when a killed server wants it back, or a client that retries could connect to itself.
const lowestPort = 10_000;
const highestPort = 32_767;

/** A Redis Cluster node talks to the others on its port plus this. */
export const clusterBusOffset = 10_000;

/** A loopback port that nobody listens on now; another process may still take it before the caller does. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  return port;
}

/**
 * `count` different free loopback ports. With `alsoFree`, the port that lies so far above each is free as well,
 * and none of those is among the ports returned.
 */
export async function freePorts(count: number, alsoFree = 0): Promise<number[]> {
  const found: number[] = [];
  const taken = new Set<number>();
  for (let tries = 0; found.length < count; tries++) {
    if (tries > 1000 + 10 * count) throw new Error(`no ${count} free ports`);
    const port = lowestPort + Math.floor(Math.random() * (highestPort - alsoFree - lowestPort + 1));
    const wanted = alsoFree === 0 ? [port] : [port, port + alsoFree];
    if (wanted.some((one) => taken.has(one)) || !(await allFree(wanted))) continue;
    found.push(port);
    for (const one of wanted) taken.add(one);
  }
  return found;
}

async function allFree(ports: number[]): Promise<boolean> {
  for (const port of ports) if (!(await isFree(port))) return false;
  return true;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
