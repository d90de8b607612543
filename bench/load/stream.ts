import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamJob, StreamLoad, StreamResult } from './job.ts';
import type { Link, Wire } from './link.ts';

const links: Link[] = [];
let delivered = 0;

/** Every session streams chunks to all its readers at a steady pace; counted is what arrives. */
export async function stream(wire: Wire, job: StreamJob): Promise<undefined | StreamResult> {
  switch (job.step) {
    case 'begin':
      await begin(wire, job);
      await sleep(job.warmUpMs);
      return undefined;
    case 'measure': {
      delivered = 0;
      const began = performance.now();
      await sleep(job.measureMs);
      return { delivered, tookMs: performance.now() - began };
    }
    case 'end':
      for (const link of links.splice(0)) link.cut();
      return undefined;
  }
}

async function begin(wire: Wire, { sessions, readers, chunks, everyMs }: StreamLoad): Promise<void> {
  const onChunk = () => {
    delivered++;
  };
  const writers: Link[] = [];
  for (let i = 0; i < sessions; i++) {
    const writer = wire.create({ onChunk });
    await writer.ready;
    const others = Array.from({ length: readers - 1 }, () => wire.join(writer, { onChunk }));
    await Promise.all(others.map((link) => link.ready));
    writers.push(writer);
    links.push(writer, ...others);
  }
  // Not all in the same millisecond, or each tick would be a storm of its own.
  for (const [i, writer] of writers.entries())
    setTimeout(() => writer.stream(chunks, everyMs), (i * everyMs) / sessions);
}
