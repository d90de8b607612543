import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from './device.ts';
import type { Nodes } from './nodes.ts';
import { readLog } from './verdict.ts';

const SETTLE_MS = 60_000;
const LOOK_MS = 150;
const READ_MS = 20_000;

/**
 * Everybody comes back and listens, and questions are answered, until nothing waits or is at work any more. Answers the
 * log as every node shows it, or what is wrong.
 */
export async function settle(
  devices: readonly Device[],
  nodes: Nodes,
  withinMs = SETTLE_MS,
): Promise<{ readonly log: readonly string[]; readonly faults: readonly string[] }> {
  const deadline = performance.now() + withinMs;
  const asked = new Set<string>();
  for (const device of devices) {
    device.resume();
    device.come();
  }
  for (;;) {
    if (devices.every(isQuiet)) {
      const logs = await readLogs(devices, nodes);
      if (logs instanceof Error) return { log: [], faults: [`the log could not be read: ${logs.message}`] };
      const [log = []] = logs;
      // What a device has not read yet may wait in its socket.
      if (
        isOver(log) &&
        devices.every((device) => isQuiet(device) && device.replica.position?.seq === log.length)
      ) {
        const same = logs.every((other) => JSON.stringify(other) === JSON.stringify(log));
        return { log, faults: same ? [] : ['the nodes have different logs'] };
      }
    }
    const left = deadline - performance.now();
    if (left <= 0)
      return {
        log: [],
        faults: devices.map((device) => `${device.name} did not settle: ${stateOf(device)}`),
      };
    for (const device of devices)
      for (const request_id of device.replica.inputs) {
        if (asked.has(request_id)) continue;
        asked.add(request_id);
        device.say('input_respond', { responses: [{ request_id, approved: true }] });
      }
    await Promise.race(devices.map((device) => changes(device, Math.min(left, LOOK_MS))));
  }
}

function isQuiet({ isUp, outbox, replica }: Device): boolean {
  return isUp && outbox.waiting.length === 0 && replica.runs.size === 0;
}

/** Whether nothing is at work at the end of the log: every run that was queued has ended. */
function isOver(log: readonly string[]): boolean {
  const count = (type: string) => log.filter((raw) => raw.startsWith(`{"type":"${type}"`)).length;
  return count('run_queued') === count('run_finished');
}

function changes(device: Device, withinMs: number): Promise<boolean> {
  const { frames } = device;
  return device.until(() => device.frames > frames, withinMs);
}

function stateOf({ isUp, outbox, replica }: Device): string {
  const { runs, inputs, position } = replica;
  return JSON.stringify({ isUp, waiting: outbox.waiting, runs: [...runs], inputs: [...inputs], position });
}

/** The log through every node. One that is killed in this moment will be back. */
async function readLogs(devices: readonly Device[], nodes: Nodes): Promise<string[][] | Error> {
  const { sessionId = '', position } = devices[0]!.replica;
  const logs: string[][] = [];
  for (const { url } of nodes.servers) {
    const log = await again(() => readLog(url, sessionId, position?.epoch ?? ''));
    if (log instanceof Error) return log;
    logs.push(log);
  }
  return logs;
}

export async function again<T>(work: () => Promise<T>): Promise<T | Error> {
  const deadline = performance.now() + READ_MS;
  for (;;) {
    const result = await work().catch((error: Error) => error);
    if (!(result instanceof Error) || performance.now() > deadline) return result;
    await sleep(100);
  }
}
