// The load generator: a process of its own for each subject, the same code for all.
import { BareWire } from './bare-wire.ts';
import { append } from './append.ts';
import { depth } from './depth.ts';
import { HoldfastWire } from './holdfast-wire.ts';
import { idle } from './idle.ts';
import type { Wire } from './link.ts';
import type { Job } from './job.ts';
import { SocketIoWire } from './socket-io-wire.ts';
import { storm } from './storm.ts';
import { stream } from './stream.ts';

const JOBS = { append, storm, stream, idle, depth };
const wire = createWire(process.env.WIRE ?? '', process.env.SUBJECT_URL ?? '');

process.on('message', (message: { readonly id: number } & Job) => {
  // `probe.ts` answers the others.
  if (!(message.ask in JOBS)) return;
  (JOBS[message.ask] as (wire: Wire, job: Job) => Promise<unknown>)(wire, message).then(
    (value) => process.send?.({ id: message.id, value }),
    (error) => process.send?.({ id: message.id, error: String((error as Error).stack ?? error) }),
  );
});

function createWire(kind: string, url: string): Wire {
  switch (kind) {
    case 'bare':
      return new BareWire(url);
    case 'socket.io':
      return new SocketIoWire(url);
    case 'holdfast':
      return new HoldfastWire(url, process.env.API_KEY ?? '');
    default:
      throw new Error(`WIRE must not be ${kind}`);
  }
}
