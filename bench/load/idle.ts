import type { IdleJob } from './job.ts';
import type { Link, Wire } from './link.ts';

const AT_A_TIME = 50;
const links: Link[] = [];

/** Connections that do nothing, each in a session of its own. Answers how many there are. */
export async function idle(wire: Wire, { connections }: IdleJob): Promise<number> {
  for (const link of links.splice(connections)) link.cut();
  while (links.length < connections) {
    const more = Array.from({ length: Math.min(AT_A_TIME, connections - links.length) }, () =>
      wire.create({}),
    );
    await Promise.all(more.map((link) => link.ready));
    links.push(...more);
  }
  return links.length;
}
