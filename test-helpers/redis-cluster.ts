import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { clusterBusOffset, freePorts } from './ports.ts';
import { type Redis, startRedis } from './redis.ts';

const exec = promisify(execFile);
const masters = 3;

export interface RedisClusterOptions {
  /** Of each master; 0 by default. */
  replicas?: undefined | number;
}

/** A Redis Cluster of three masters on loopback; `url` lists all nodes, separated by commas. */
export interface RedisCluster extends AsyncDisposable {
  readonly url: string;
  /** The masters first. */
  readonly nodes: readonly Redis[];
  stop(): Promise<void>;
}

/** Starts the nodes and joins them; resolves when every node sees the cluster whole, which takes about two seconds. */
export async function startRedisCluster({ replicas = 0 }: RedisClusterOptions = {}): Promise<RedisCluster> {
  const ports = await freePorts(masters * (1 + replicas), clusterBusOffset);
  const started = await Promise.allSettled(ports.map((port) => startRedis({ port, args: clusterArgs })));
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    const addresses = nodes.map((node) => `127.0.0.1:${node.port}`);
    await redisCli('--cluster', 'create', ...addresses, '--cluster-replicas', `${replicas}`, '--cluster-yes');
    await Promise.all(nodes.map((node) => joined(node, nodes.length)));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: nodes.map((node) => node.url).join(','), nodes, stop, [Symbol.asyncDispose]: stop };
}

const clusterArgs = [
  ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', '2000'],
  ...['--cluster-announce-ip', '127.0.0.1', '--repl-diskless-sync-delay', '0'],
];

async function joined(node: Redis, count: number): Promise<void> {
  for (;;) {
    const info = await redisCli('-p', `${node.port}`, 'cluster', 'info');
    const replication = await redisCli('-p', `${node.port}`, 'info', 'replication');
    const linked = !replication.includes('master_link_status:down');
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`) && linked) return;
    await sleep(50);
  }
}

async function redisCli(...args: string[]): Promise<string> {
  const { stdout } = await exec('redis-cli', args);
  return stdout;
}
