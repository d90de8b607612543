import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Crowd } from '../crowd.ts';
import { peerKey } from './client-address.ts';

/** A socket beyond the bound is told so before it has asked anything: nothing of it is read. */
const REFUSAL =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
/** How long an upgrade may take before its socket is a WebSocket or gone. */
const UPGRADE_TIMEOUT_MS = 5000;

/**
 * All TCP sockets of a process: HTTP ones that idle or have not asked anything yet, upgrades under way, WebSockets. There
 * are never more than `max`, so that descriptors are left for the key file and the store. When there is no room, the
 * socket of the busiest peer that has waited for longest makes some, as long as it is no WebSocket; a newcomer of a peer
 * that is itself the busiest is refused. Whatever is left when the process stops is destroyed.
 */
export class TcpSockets {
  readonly #limits: { readonly max: number; readonly maxPerAddress: number };
  /** Every open socket, and what its peer is counted as. */
  readonly #all = new Map<Socket, string>();
  /** Those that are no WebSockets; the one that was answered last is the newest. */
  readonly #plain = new Crowd<Socket>();
  readonly #onClose: (this: Socket) => void;
  #files = 0;
  #closed = false;

  /** @param max sockets and files under way together; `Infinity`: no bound */
  constructor(max: number) {
    this.#limits = { max, maxPerAddress: Number.POSITIVE_INFINITY };
    const forget = (socket: Socket) => this.#forget(socket);
    this.#onClose = function onClose(this: Socket) {
      forget(this);
    };
  }

  get open(): number {
    return this.#all.size;
  }

  /** Counts the sockets of the server from now on. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#enter(socket));
    server.on('upgrade', (_request, socket) => {
      // Cleared by the WebSocket when it takes the socket over.
      (socket as Socket).setTimeout(UPGRADE_TIMEOUT_MS, destroy);
    });
  }

  /** It is a WebSocket from now on: it stays counted, and makes room for nobody. */
  upgraded(socket: Socket): void {
    socket.off('timeout', destroy);
    const peer = this.#all.get(socket);
    if (peer !== undefined) this.#plain.remove(peer, socket);
  }

  /** A request of it was answered: others of its peer have waited for longer. */
  answered(socket: Socket): void {
    const peer = this.#all.get(socket);
    if (peer !== undefined && this.#plain.has(peer, socket)) this.#plain.add(peer, socket);
  }

  /** Takes a descriptor for a file that is sent. `false`: there is none to spare. */
  takeFile(): boolean {
    if (this.#all.size + this.#files >= this.#limits.max) return false;
    this.#files++;
    return true;
  }

  releaseFile(): void {
    this.#files--;
  }

  /** Destroys all sockets, and those that still come. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#all.keys()) socket.destroy();
  }

  #enter(socket: Socket): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    const peer = peerKey(socket.remoteAddress);
    if (this.#all.size + this.#files >= this.#limits.max) {
      const entry = this.#plain.judge(peer, { ...this.#limits, max: 0 });
      if (entry.kind !== 'replace') return refuse(socket);
      this.#forget(entry.member);
      entry.member.destroy();
    }
    this.#all.set(socket, peer);
    this.#plain.add(peer, socket);
    socket.on('close', this.#onClose);
  }

  #forget(socket: Socket): void {
    const peer = this.#all.get(socket);
    if (peer === undefined) return;
    this.#all.delete(socket);
    this.#plain.remove(peer, socket);
  }
}

function destroy(this: Socket): void {
  this.destroy();
}

function refuse(socket: Socket): void {
  socket.on('error', () => {});
  socket.end(REFUSAL);
  socket.destroySoon();
}
