// Loaded into every process of the benchmark before its own code, the server's too: tells what the process uses, and
// ends it when the benchmark is gone.
export interface Usage {
  /** Of the heap and of what hangs on it outside, in bytes, after a collection. */
  readonly heapBytes: number;
  /** Of the process, in bytes, after a collection. */
  readonly rssBytes: number;
  /** User and system time so far. */
  readonly cpuMs: number;
}

process.on('message', (question: { readonly id: number; readonly ask?: string }) => {
  if (question.ask === 'cpu') process.send?.({ id: question.id, value: cpuMs() });
  if (question.ask === 'usage') void collect().then((value) => process.send?.({ id: question.id, value }));
});
process.once('disconnect', () => process.exit(0));

async function collect(): Promise<Usage> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, rssBytes: rss, cpuMs: cpuMs() };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
