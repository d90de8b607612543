import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test-helpers/ports.ts';
import { Child } from './child.ts';

const START_TIMEOUT_MS = 15_000;

export type SubjectName = 'floor' | 'second floor' | 'Socket.IO' | 'Holdfast';
export const SUBJECTS: readonly SubjectName[] = ['floor', 'second floor', 'Socket.IO', 'Holdfast'];

/** One server under test, with the load generator that speaks to it. */
export interface Subject extends AsyncDisposable {
  readonly name: SubjectName;
  readonly server: Child;
  readonly load: Child;
}

export interface Surroundings {
  readonly redisUrl: string;
  /** For the key file. */
  readonly folder: string;
}

const SERVERS: Readonly<Record<SubjectName, { readonly file: string; readonly wire: string }>> = {
  floor: { file: 'bench/subjects/floor.ts', wire: 'bare' },
  'second floor': { file: 'bench/subjects/function-floor.ts', wire: 'bare' },
  'Socket.IO': { file: 'bench/subjects/socket-io.ts', wire: 'socket.io' },
  Holdfast: { file: 'server/main.ts', wire: 'holdfast' },
};

/** Starts a subject and its load generator; `env` is for the server. Resolves once it answers. */
export async function startSubject(
  name: SubjectName,
  { redisUrl, folder }: Surroundings,
  env: Readonly<Record<string, string>> = {},
): Promise<Subject> {
  const { file, wire } = SERVERS[name];
  const port = await freePort();
  const apiKey = randomBytes(24).toString('base64url');
  const settings = name === 'Holdfast' ? await productionSettings(apiKey, folder) : {};
  const server = new Child({
    file,
    env: { HOST: '127.0.0.1', PORT: String(port), REDIS_URL: redisUrl, ...settings, ...env },
  });
  const load = new Child({
    file: 'bench/load/main.ts',
    env: { WIRE: wire, SUBJECT_URL: `ws://127.0.0.1:${port}`, API_KEY: apiKey },
  });
  const dispose = async () => {
    await load[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  };
  try {
    await untilItAnswers(server, `http://127.0.0.1:${port}/healthz`);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { name, server, load, [Symbol.asyncDispose]: dispose };
}

/** As in production, but that nobody is held back: one machine plays all the clients. */
async function productionSettings(apiKey: string, folder: string): Promise<Record<string, string>> {
  const file = join(folder, `keys-${randomBytes(6).toString('hex')}.json`);
  const sha256 = createHash('sha256').update(apiKey).digest('hex');
  await writeFile(file, JSON.stringify({ keys: [{ sha256, subject: 'bench', permissions: ['chat'] }] }));
  return {
    NODE_ENV: 'production',
    AGENT: 'none',
    LOG_LEVEL: 'warn',
    API_KEYS_FILE: file,
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    MESSAGE_RATE_PER_S: '0',
    CONNECTION_RATE_PER_S: '0',
    MAX_UNAUTHENTICATED: '0',
    MAX_CONNECTIONS_PER_SUBJECT: '0',
    MAX_SESSIONS_PER_SUBJECT: '0',
  };
}

async function untilItAnswers(server: Child, url: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    if (server.ended || performance.now() > deadline)
      throw new Error(`a subject did not start:\n${server.output}`);
    await sleep(50);
  }
}
