import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { readSettings } from '../config.ts';
import { PeerWatch } from './peer-watch.ts';

// What is watched is what the kernel took, so both ends are real.

const read = readSettings({});
if (!read.ok) throw new Error('the defaults have a fault');
const { sockets: settings } = read.settings;
/** More than two kernels keep for a socket. */
const LARGE = 'x'.repeat(32 * 1_048_576);
const S = 1000;

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function watched() {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(wss, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(wss.address() as AddressInfo).port}`);
  const [[socket]] = (await Promise.all([once(wss, 'connection'), once(client, 'open')])) as [
    [WebSocket],
    unknown,
  ];
  const { _socket: tcp } = socket as unknown as { _socket: Socket };
  const { _socket: far } = client as unknown as { _socket: Socket };
  stops.push(() => {
    client.terminate();
    socket.terminate();
    wss.close();
  });
  const outbound = { peerHeld: false, pressed: false };
  const peer = { holds: () => false };
  const onSlowReader = vi.fn();
  const watch = new PeerWatch({ socket: socket as never, tcp, outbound, peer, settings, onSlowReader }, 0);
  /** Looks once a second of the given time, hearing the peer meanwhile. */
  const look = (fromS: number, toS: number) => {
    for (let s = fromS; s <= toS; s++) {
      watch.heard(s * S);
      watch.tick(s * S);
    }
  };
  const isDropped = () => onSlowReader.mock.calls.length > 0;
  return { socket, tcp, far, outbound, watch, look, isDropped };
}

/** Lets the far end read some of it, and waits until this end has noticed. */
async function readSome(tcp: Socket, far: Socket): Promise<void> {
  const handle = (tcp as unknown as { _handle: { writeQueueSize: number } })._handle;
  const before = handle.writeQueueSize;
  far.resume();
  await vi.waitFor(() => expect(handle.writeQueueSize).toBeLessThan(before), { interval: 1 });
  far.pause();
}

test('FLO-5 a reader that takes nothing of one large reply is dropped', async () => {
  const { socket, far, look, isDropped } = await watched();
  look(1, 5);
  far.pause();
  socket.send(LARGE);
  look(6, 66);
  expect(isDropped()).toBe(false);
  look(67, 67);
  expect(isDropped()).toBe(true);
  expect(socket.readyState).toBe(WebSocket.CLOSING);
});

test('FLO-5 one that takes a little of it now and then is not', async () => {
  const { socket, tcp, far, look, isDropped } = await watched();
  far.pause();
  socket.send(LARGE);
  for (let i = 0; i < 3; i++) {
    look(50 * i + 1, 50 * i + 50);
    await readSome(tcp, far);
  }
  expect(isDropped()).toBe(false);
  look(151, 212);
  expect(isDropped()).toBe(true);
});

test('FLO-16 while others of its subject wait for what it does not take, it is dropped sooner', async () => {
  const { socket, far, outbound, look, isDropped } = await watched();
  far.pause();
  socket.send(LARGE);
  look(1, 30);
  expect(isDropped()).toBe(false);
  outbound.pressed = true;
  look(31, 31);
  expect(isDropped()).toBe(true);
});

test('FLO-6 one that is not read from is not silent', async () => {
  const { outbound, watch, isDropped, socket } = await watched();
  outbound.peerHeld = true;
  for (let s = 1; s <= 200; s++) watch.tick(s * S);
  expect([isDropped(), socket.readyState]).toEqual([false, WebSocket.OPEN]);
  outbound.peerHeld = false;
  for (let s = 201; s <= 262; s++) watch.tick(s * S);
  expect(socket.readyState).toBe(WebSocket.CLOSING);
});

test('FLO-6 time that was moved is no silence, and no want of progress', async () => {
  const { socket, far, watch, look, isDropped } = await watched();
  far.pause();
  socket.send(LARGE);
  look(1, 40);
  watch.clockMoved(1000 * S);
  look(1041, 1060);
  expect([isDropped(), socket.readyState]).toEqual([false, WebSocket.OPEN]);
  look(1061, 1062);
  expect(isDropped()).toBe(true);
});
