import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { DownData, DownType } from '../protocol/chat/down.ts';
import type { ConnectData } from '../protocol/chat/handshake.ts';
import { PROTOCOL_VERSION } from '../protocol/version.ts';

/** What a test does with one connection of a page. */
export type Script = (peer: ScriptedPeer) => void | Promise<void>;

/**
 * Stands in front of a real server: passes HTTP on to it (the page, the list of threads), but answers the chat sockets
 * itself, by a script. For what a real server cannot easily be made to say. Sockets and handshake are real.
 */
export class ScriptedServer implements AsyncDisposable {
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  /** The connections so far, the newest last. */
  readonly peers: ScriptedPeer[] = [];
  /** What is done with the next connections. */
  script: Script;
  readonly #log: ScriptedLog = { seq: 0, epoch: 'scripted-epoch' };

  private constructor(behind: string, script: Script) {
    this.script = script;
    this.#http = createServer((asked, reply) => passOn(behind, asked, reply));
    this.#http.on('upgrade', (asked, socket, head) =>
      this.#sockets.handleUpgrade(asked, socket, head, (opened) => {
        const peer = new ScriptedPeer(opened, this.#log);
        this.peers.push(peer);
        void this.script(peer);
      }),
    );
  }

  /** @param behind the URL of the real server */
  static async start(behind: string, script: Script = welcome): Promise<ScriptedServer> {
    const server = new ScriptedServer(behind, script);
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** The newest connection. */
  get peer(): ScriptedPeer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error('nobody has connected yet');
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.peers) socket.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }
}

interface ScriptedLog {
  seq: number;
  readonly epoch: string;
}

/** The other end of one connection. */
export class ScriptedPeer {
  readonly socket: WebSocket;
  readonly #log: ScriptedLog;
  readonly #hello: Promise<ConnectData>;

  constructor(socket: WebSocket, log: ScriptedLog) {
    this.socket = socket;
    this.#log = log;
    this.#hello = new Promise((resolve) => {
      socket.on('message', (text) => {
        const { type, data } = JSON.parse(String(text)) as { type: string; data: ConnectData };
        if (type === 'connect') resolve(data);
      });
    });
  }

  send<T extends DownType>(type: T, data: DownData<T>, more: object = {}): void {
    this.socket.send(JSON.stringify({ type, data, ...more }));
  }

  /** An event of the log, with the next place in it. */
  event<T extends DownType>(type: T, data: DownData<T>): void {
    const seq = ++this.#log.seq;
    this.send(type, data, { seq, tag: `t${seq}`, ts: '2026-11-20T12:00:00.000Z' });
  }

  /** Says that the socket is open, and waits for `connect`. */
  greet(): Promise<ConnectData> {
    this.send('connection_established', { message: 'Connection established, waiting for authentication' });
    return this.#hello;
  }

  /** Lets the client in: into a fresh session, or back into the one that it has been in. */
  admit(hello: ConnectData): void {
    const { seq, epoch } = this.#log;
    const fresh = hello.session_token === undefined && hello.session_id === undefined;
    this.send('connection_success', {
      message: 'Connected',
      session_id: 'scripted-session',
      session_token: 'scripted-token',
      position: { epoch, seq, ...(seq > 0 ? { tag: `t${seq}` } : {}) },
      outcome: fresh ? 'fresh' : 'restored',
      tier: 'brief',
      user: { subject: 'scripted', permissions: ['chat'] },
      heartbeat_interval_ms: 25_000,
      reconnect: { min_ms: 50, max_ms: 250, jitter: 'full' },
      protocol_version: PROTOCOL_VERSION,
      node_id: 'scripted-node',
    });
    this.send('message_delivered', {
      message: 'Authentication message received and processed',
      original_type: 'connect',
      status: 'success',
    });
    // A page that holds nothing (after a reload) is shown what there is: nothing.
    const mode = hello.position === undefined ? 'snapshot' : 'replay';
    if (!fresh) this.send('session_restored', { ...NOTHING_MISSED, mode });
  }

  /** An error, the goodbye with the same words, and the close frame. */
  refuse(code: number, error: DownData<'error'>): void {
    this.send('error', error);
    this.send('disconnect', { reason: error.message });
    this.socket.close(code, error.message);
  }

  close(code: number, reason = ''): void {
    this.socket.close(code, reason);
  }
}

/** Lets everybody in and does nothing more. */
export const welcome: Script = async (peer) => {
  peer.admit(await peer.greet());
};

const NOTHING_MISSED: Omit<DownData<'session_restored'>, 'mode'> = {
  outcome: 'restored',
  tier: 'brief',
  disconnected_ms: 100,
  away_ms: 100,
  expires_in_ms: 300_000,
  warnings: [],
  context: { memory: {}, preferences: {}, workflow: null, tool_calls: [] },
  history: { messages: [], total: 0, has_more: false },
  replay: null,
  run: null,
  queued_runs: [],
  partial: null,
};

function passOn(behind: string, asked: IncomingMessage, reply: ServerResponse): void {
  const { method = 'GET', headers, url = '/' } = asked;
  const far = request(new URL(url, behind), { method, headers }, (answer) => {
    reply.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(reply);
  });
  far.on('error', () => reply.writeHead(502).end());
  asked.pipe(far);
}
