import closeWithGrace from 'close-with-grace';
import { type App, createApp, StartFault } from './app.ts';
import { SystemClock } from './clock.ts';
import { readSettings, type Settings } from './config.ts';
import { createLog, type Log } from './log.ts';
import { SystemRandom } from './random.ts';

/** How much longer than its drain a process takes at most. */
const MARGIN_MS = 900;

const read = readSettings(process.env);
if (!read.ok) fail(read.faults);
else {
  const log = createLog(read.settings);
  for (const warning of read.warnings) log.warn({ event: 'setting' }, warning);
  await start(read.settings, log);
}

async function start(settings: Settings, log: Log): Promise<void> {
  const clock = new SystemClock();
  let app: undefined | App;
  // From the beginning: whoever stops a server that still waits for its store need not kill it.
  closeWithGrace({ delay: settings.drainMs + MARGIN_MS, logger: log }, async ({ signal, err }) => {
    if (err !== undefined) log.fatal({ err }, 'a fault that nobody caught');
    log.info({ event: 'draining', signal }, 'draining');
    await app?.close();
    log.info({ event: 'stopped' }, 'stopped');
  });
  try {
    app = await createApp(settings, { clock, random: new SystemRandom(clock), log });
    const url = await app.listen();
    log.info(
      { event: 'listening', url, node_id: app.nodeId, store: settings.store.kind, agent: settings.agent },
      'listening',
    );
  } catch (error) {
    await app?.close();
    fail(faultsOf(error));
  }
}

/** What keeps the server from starting, in one readable line each. */
function faultsOf(error: unknown): readonly string[] {
  if (error instanceof StartFault) return error.faults;
  if (!(error instanceof Error)) return [String(error)];
  // What says whether it is worth another try says what it is, too.
  if ('shouldRetry' in error) return [error.message];
  if ('syscall' in error && (error.syscall === 'listen' || error.syscall === 'getaddrinfo'))
    return [`HOST and PORT: cannot listen there: ${error.message}`];
  return [error.stack ?? error.message];
}

function fail(faults: readonly string[]): never {
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  // A connection to the store would keep the process.
  process.exit(1);
}
