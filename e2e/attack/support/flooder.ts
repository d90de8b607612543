import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

// A process of its own that does its worst with one key: `flooder.ts URL WHAT CONNECTIONS [KEY]`. It says `ready` once all of
// its connections are in and begins; asked for it, it tells what came of it.

/** What came of a flood. */
export interface FloodReport {
  readonly sent: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly closed: number;
}

/** What each connection of a flood does: as many frames as it may, one long answer after another, or pages that only half of them read. */
export type Flood = 'patches' | 'patches of one session' | 'messages' | 'runs' | 'pages';

const PER_SECOND = 20;
const TICK_MS = 10;
/** More unsent bytes than this are no use to anybody. */
const MAX_UNSENT = 262_144;

/** The session of a flood of pages: so many messages of so many characters. */
const PAGED_MESSAGES = 4;
const PAGED_CHARACTERS = 100_000;

const [url = '', what = 'patches', connections = '0', key = 'development'] = process.argv.slice(2);
const counts = { sent: 0, acknowledged: 0, refused: 0, closed: 0 };
const runs = { queued: 0, finished: 0 };
const sockets: WebSocket[] = [];
let sessionId: undefined | string;
let ids = 0;

async function come(): Promise<void> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/client_flood`, { perMessageDeflate: false });
  socket.on('error', () => {});
  socket.on('close', () => counts.closed++);
  const isIn = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const raw = String(data);
      // Most of what comes are deltas and events: only their beginning is looked at.
      if (raw.startsWith('{"type":"message_delivered"')) counts.acknowledged++;
      if (raw.startsWith('{"type":"error"')) counts.refused++;
      if (raw.startsWith('{"type":"run_queued"')) runs.queued++;
      if (raw.startsWith('{"type":"run_finished"')) runs.finished++;
      if (!raw.startsWith('{"type":"connection_success"')) return;
      sessionId ??= (JSON.parse(raw) as { data: { session_id: string } }).data.session_id;
      resolve();
    });
  });
  await once(socket, 'open');
  const joins = (what === 'patches of one session' || what === 'pages') && sessionId !== undefined;
  send(socket, 'connect', { api_key: key, ...(joins ? { session_id: sessionId } : {}) });
  await isIn;
  if (what === 'pages' && !joins) await fill(socket);
  // What half of them are sent they never take.
  if (what === 'pages' && sockets.length % 2 === 1) socket.pause();
  sockets.push(socket);
}

/** Stores what there will be pages of. Where an agent answers, each message waits for the answer to the one before. */
async function fill(socket: WebSocket): Promise<void> {
  for (let i = 1; i <= PAGED_MESSAGES; i++) {
    send(socket, 'chat_message', { content: 'x'.repeat(PAGED_CHARACTERS) });
    while (counts.acknowledged <= i || runs.finished < runs.queued) await sleep(TICK_MS);
  }
}

function send(socket: WebSocket, type: string, data: object): void {
  socket.send(JSON.stringify({ type, data, id: `flood-${String(++ids).padStart(8, '0')}` }));
}

function strike(socket: WebSocket): void {
  if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MAX_UNSENT) return;
  counts.sent++;
  if (what === 'pages') return send(socket, 'history_request', { limit: 500 });
  if (what === 'messages') return send(socket, 'chat_message', { content: 'x'.repeat(2000) });
  // 16 to 64 KiB, of a context that stays below its limit.
  const text = 'x'.repeat(16_000 + ((counts.sent * 7919) % 48_000));
  send(socket, 'context_update', { memory: { [`key${counts.sent % 3}`]: text } });
}

async function flood(): Promise<void> {
  if (what === 'runs') {
    for (const socket of sockets) send(socket, 'chat_message', { content: 'count to 300' });
    return;
  }
  const began = performance.now();
  for (let struck = 0; ; await sleep(TICK_MS)) {
    const due = ((performance.now() - began) / 1000) * PER_SECOND * sockets.length;
    for (; struck < due; struck++) strike(sockets[struck % sockets.length] as WebSocket);
  }
}

process.on('message', () => process.send?.(counts));
for (let i = 0; i < Number(connections); i++) await come();
process.send?.('ready');
await flood();
