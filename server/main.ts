import closeWithGrace from 'close-with-grace';
import { type App, createApp, StartFault } from './app.ts';
import { SystemClock } from './clock.ts';
import { readSettings, type Settings } from './config.ts';
import { createLog, type Log } from './log.ts';
import { SystemRandom } from './random.ts';
import { StoreUnavailable } from './store/store.ts';

const read = readSettings(process.env);
if (!read.ok) fail(read.faults);
else {
  const log = createLog(read.settings);
  for (const warning of read.warnings) log.warn({ event: 'setting' }, warning);
  await start(read.settings, log);
}

async function start(settings: Settings, log: Log): Promise<void> {
  const clock = new SystemClock();
  let app: App;
  let url: string;
  try {
    app = await createApp(settings, { clock, random: new SystemRandom(clock), log });
    url = await app.listen();
  } catch (error) {
    return fail(faultsOf(error));
  }
  log.info(
    { event: 'listening', url, node_id: app.nodeId, store: settings.store.kind, agent: settings.agent },
    'listening',
  );
  closeWithGrace({ delay: settings.drainMs, logger: log }, async ({ signal, err }) => {
    if (err !== undefined) log.fatal({ err }, 'a fault that nobody caught');
    log.info({ event: 'draining', signal }, 'draining');
    await app.close();
    log.info({ event: 'stopped' }, 'stopped');
  });
}

/** What keeps the server from starting, in one readable line each. */
function faultsOf(error: unknown): readonly string[] {
  if (error instanceof StartFault) return error.faults;
  if (error instanceof StoreUnavailable) return [error.message];
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    return ['HOST and PORT: the address is in use'];
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
}

function fail(faults: readonly string[]): void {
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
}
