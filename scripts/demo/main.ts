// `npm run demo`: a conversation whose line is cut in the middle of an answer and whose server is killed in the middle
// of the next one, in a terminal. Ends with what was said beside what a second device finds; exit status 1 if they differ.
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastClient } from '../../client/sdk/index.ts';
import { LineProxy } from '../../test-helpers/proxy.ts';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { Screen } from './screen.ts';
import { sideBySide } from './side-by-side.ts';

const LIMIT_MS = 90_000;
const limit = AbortSignal.timeout(LIMIT_MS);

await using server = await ServerProcess.start({ env: { NODE_ENV: 'development' } });
await using line = await LineProxy.start(server.url);
const screen = new Screen();
screen.note(`a server on ${server.url} with its data in ${server.dataDir}`);

await using person = client(line.url, 'demo-person');
person.subscribe((event) => screen.show(event));
person.connect();
await person.waitFor(({ state }) => state.name === 'connected', limit);

await say('remember colour is teal');
await say('prefer tone dry');

const cutAnswer = say('count to 40');
await streamed(12);
screen.note('the line is cut, and stays so for a second');
line.refuse();
line.cut();
await sleep(1000);
line.heal();
person.retryNow();
await cutAnswer;

const killedAnswer = say('count to 60');
await streamed(20);
screen.note(`kill -9 of the server (process ${server.pid})`);
await server.kill9();
await sleep(500);
await server.restart();
screen.note(`it is started again (process ${server.pid}): the run is taken over where it stood`);
person.retryNow();
await killedAnswer;
await say('recall colour');

const sessionId = person.conversation.session?.sessionId ?? '';
await using second = client(server.url, 'demo-second', sessionId);
second.connect();
await second.waitFor(
  ({ state, conversation }) => state.name === 'connected' && conversation.streaming === null,
  limit,
);

const restored = second.conversation.messages.map((message) => ({
  id: message.id,
  text: message.parts.map((part) => (part.type === 'text' ? part.text : '')).join(''),
}));
const rows = [
  ...screen.seen.map((seen) => ({
    left: seen.text,
    right: restored.find((m) => m.id === seen.id)?.text ?? '(missing)',
  })),
  ...restored
    .filter((m) => !screen.seen.some((seen) => seen.id === m.id))
    .map((m) => ({ left: '(never seen)', right: m.text })),
  {
    left: 'memory {"colour":"teal"}, preferences {"tone":"dry"}',
    right: `memory ${JSON.stringify(second.conversation.context.memory)}, preferences ${JSON.stringify(second.conversation.context.preferences)}`,
  },
];
const inOrder = restored.every((message, i) => message.id === screen.seen[i]?.id);
const same = inOrder && rows.every((row) => row.left === row.right);
const titles = { left: 'what was said, chunk by chunk', right: 'what a second device restored' };
process.stdout.write(`\n${sideBySide(titles, rows, process.stdout.columns ?? 100)}\n\n`);
process.stdout.write(
  same
    ? `  ${screen.seen.length} messages: the same on both sides, in the same order, none lost, none twice.\n`
    : '  The two sides differ.\n',
);
process.exitCode = same ? 0 : 1;

function client(url: string, clientId: string, session?: string): HoldfastClient {
  return new HoldfastClient({
    url: url.replace('http', 'ws'),
    clientId,
    apiKey: 'development',
    sessionId: session,
    client: { name: 'demo', version: '1' },
  });
}

/** Sends a message and waits until its run has ended. */
async function say(content: string): Promise<void> {
  const { id } = person.send(content);
  await person.waitFor(({ conversation }) => {
    const run = conversation.lastRun;
    return run?.messageId === id && run.outcome === 'completed';
  }, limit);
}

/** Waits until so many chunks of the answer in flight have been seen. */
async function streamed(chunks: number): Promise<void> {
  await person.waitFor(({ conversation }) => (conversation.streaming?.nextIndex ?? 0) >= chunks, limit);
}
