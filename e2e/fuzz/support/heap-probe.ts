// Loaded into the server's process before the server, with --expose-gc: says how much memory is in use once everything
// that nobody needs was collected. No endpoint of the server could say that, and none should.
import { Server } from 'node:http';
import { WebSocket } from 'ws';

process.on('message', () => {
  void settle().then(() => process.send?.(process.memoryUsage()));
});
// The probe must not be what keeps a stopping server.
process.channel?.unref();

/** Several times: what a collection sets free may hold more, and finalisers run between them. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc?.();
  }
}

// A leak on purpose: so many bytes are kept for each frame and each request. Only to show that the check would see one.
const leakBytes = Number(process.env.PLANTED_LEAK_BYTES ?? 0);
if (leakBytes > 0) {
  const kept: Uint8Array[] = [];
  for (const [emitter, event] of [
    [WebSocket.prototype, 'message'],
    [Server.prototype, 'request'],
  ] as const) {
    const emit = emitter.emit;
    emitter.emit = function leaking(this: typeof emitter, name: string | symbol, ...args: unknown[]) {
      if (name === event) kept.push(new Uint8Array(leakBytes));
      return emit.call(this, name as never, ...(args as never[]));
    } as typeof emit;
  }
}
