import type { ConnectData, ConnectionSuccessData } from '../../protocol/chat/handshake.ts';
import type { ErrorData } from '../../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { Connection, Plane } from './connection.ts';
import type { Verdict } from './connection-state.ts';
import type { ConnectionState } from './connection-types.ts';
import { ClientClosedError, LineLostError, OperationRefusedError, ServerFaultError } from './errors.ts';
import { dataOf, encodeFrame, type Frame, isLogged, parseFrame } from './frames.ts';
import type { Hub } from './hub.ts';
import type { Operations } from './operations.ts';
import type { OutboxSender } from './outbox-sender.ts';
import type { ClientClock } from './ports.ts';
import type { Session } from './session.ts';
import type { ClientOptions } from './types.ts';
import { endsConnection, judgeClose, judgeRefusal, type LastWords } from './verdict.ts';

export interface ChatPlaneParts {
  readonly options: ClientOptions;
  readonly hub: Hub;
  readonly session: Session;
  readonly sender: OutboxSender;
  readonly operations: Operations;
  readonly clock: ClientClock;
  /** The connection that this plane speaks over. */
  readonly connection: () => Connection;
}

const SILENT: LastWords = { error: undefined, disconnect: undefined };

/** The chat plane: its handshake, who gets which frame, and what an end of the line means. */
export class ChatPlane implements Plane {
  readonly #parts: ChatPlaneParts;
  #apiKey: string;
  /** The key that this line was opened with. */
  #keySaid: undefined | string;
  #helloId = '';
  #words: LastWords = SILENT;
  /** The server let us in, and owes us `session_restored`. */
  #admitted: undefined | ConnectionSuccessData;

  constructor(parts: ChatPlaneParts) {
    this.#parts = parts;
    this.#apiKey = parts.options.apiKey;
  }

  get apiKey(): string {
    return this.#apiKey;
  }

  set apiKey(key: string) {
    this.#apiKey = key;
  }

  /** A session token that was refused is not tried a second time with a new key: the session's id may do. */
  forgetRefused(refusedFor: string): void {
    if (refusedFor === 'invalid_session_token') this.#parts.session.dropToken();
  }

  url(): string {
    const { url, clientId, debug } = this.#parts.options;
    const base = url.replace(/\/+$/, '').replace(/^http/, 'ws');
    return `${base}${debug === true ? '/debug' : ''}/client_${clientId}`;
  }

  opened(): void {
    // The server speaks first.
  }

  /** Sends a frame; with `debug` it is told, too. */
  send(text: string): boolean {
    this.#tellFrame('up', text);
    return this.#parts.connection().send(text);
  }

  ping(): void {
    this.send(encodeFrame('ping', {}));
  }

  goodbye(): void {
    this.send(encodeFrame('disconnect', {}));
  }

  received(text: string): void {
    this.#tellFrame('down', text);
    try {
      const frame = parseFrame(text);
      if (frame === undefined) throw new ServerFaultError('The server sent something that is no frame');
      this.#take(frame);
    } catch (cause) {
      const error =
        cause instanceof ServerFaultError
          ? cause
          : new ServerFaultError('A frame could not be processed', { cause });
      this.#parts.hub.emit({ type: 'error', error });
      this.#parts.connection().outOfStep(error);
    }
  }

  judge(code: number, reason: string): Verdict {
    const verdict = judgeClose(code, reason, this.#words);
    if (verdict.retry !== 'new_credentials') return verdict;
    const { session } = this.#parts;
    const said = this.#words.error;
    const expired = said?.error_type === 'token_expired' && said.credential === 'session_token';
    if (expired && session.identity.token !== undefined && session.identity.sessionId !== undefined) {
      session.dropToken();
      return { retry: 'at_once', error: verdict.error };
    }
    // There is a newer key than the one that was refused.
    if (this.#keySaid !== this.#apiKey) return { retry: 'at_once', error: verdict.error };
    return verdict;
  }

  changed(state: ConnectionState, previous: ConnectionState): void {
    const { hub, session, sender, operations, clock } = this.#parts;
    if (isIn(previous) && !isIn(state)) {
      operations.stop();
      sender.stop();
      session.lineLost();
    }
    if (state.name === 'connecting') {
      this.#words = SILENT;
      this.#admitted = undefined;
      this.#helloId = '';
    }
    if (state.name === 'closed' && state.by === 'server' && state.reason === 'erased') session.forget();
    hub.hold(state.name === 'restoring');
    hub.emit({ type: 'state', state, previous, at: clock.now() });
    if (state.name === 'connected' && previous.name !== 'connected') {
      operations.start();
      sender.start();
    }
    if (state.name === 'closed' || state.name === 'failed') {
      const cause = state.name === 'failed' ? { cause: state.error } : {};
      const error = new ClientClosedError('The client is closed', cause);
      operations.rejectAll(error);
      sender.rejectAll(error);
    }
  }

  #hello(): void {
    const { options, session, clock } = this.#parts;
    this.#keySaid = this.#apiKey;
    this.#helloId = `connect-${clock.now()}`;
    const data: ConnectData = {
      api_key: this.#apiKey,
      connection_type: 'chat',
      domain: options.domain ?? 'personal',
      workspace: options.workspace ?? 'personal',
      ...session.request(),
      protocol_version: PROTOCOL_VERSION,
      client: options.client ?? { name: 'holdfast-sdk', version: '0.1.0' },
    };
    this.send(encodeFrame('connect', data, this.#helloId));
  }

  #take(frame: Frame): void {
    const { hub, session, sender, operations, connection } = this.#parts;
    if (isLogged(frame)) {
      if (session.logged(frame)) connection().ready();
      return;
    }
    switch (frame.type) {
      case 'connection_established':
        return this.#helloId === '' ? this.#hello() : undefined;
      case 'connection_success':
        return this.#welcomed(frame);
      case 'session_restored':
        return this.#restored(frame);
      case 'message_delivered': {
        const data = dataOf(frame, 'message_delivered');
        const id = frame.reply_to ?? data?.message_id;
        if (data === undefined || id === undefined) return;
        const result = { seq: data.seq ?? null, duplicate: data.status === 'duplicate' };
        if (!sender.acknowledged(id, result)) operations.answered(id, frame);
        return;
      }
      case 'message_started': {
        const data = dataOf(frame, 'message_started');
        return data && session.started(data.message_id, data.run_id);
      }
      case 'message_delta': {
        const data = dataOf(frame, 'message_delta');
        return data && session.delta(data);
      }
      case 'error': {
        const data = dataOf(frame, 'error');
        return data && this.#failed(data, frame.reply_to);
      }
      case 'disconnect':
        this.#words = { ...this.#words, disconnect: dataOf(frame, 'disconnect')?.reason };
        return;
      case 'server_closing': {
        const reconnectInMs = dataOf(frame, 'server_closing')?.reconnect_in_ms ?? 0;
        connection().leaving(reconnectInMs);
        return hub.emit({ type: 'server_closing', reconnectInMs });
      }
      case 'agent_status': {
        const data = dataOf(frame, 'agent_status');
        return data && hub.emit({ type: 'agent_status', agentId: data.agent_id, status: data.status });
      }
      case 'notice': {
        const data = dataOf(frame, 'notice');
        return (
          data && hub.emit({ type: 'notice', level: data.level, code: data.code, message: data.message })
        );
      }
      case 'debug': {
        const data = dataOf(frame, 'debug');
        return data && hub.emit({ type: 'debug', data });
      }
      case 'context': {
        const context = dataOf(frame, 'context');
        if (context !== undefined) hub.emit({ type: 'context', context });
        break;
      }
    }
    // `history`, `context`, `pong`; what a later version sends is ignored.
    if (frame.reply_to !== undefined) operations.answered(frame.reply_to, frame);
  }

  #welcomed(frame: Frame): void {
    const session = dataOf(frame, 'connection_success');
    if (session === undefined || this.#admitted !== undefined) return;
    this.#admitted = session;
    const { min_ms, max_ms } = session.reconnect;
    const connection = this.#parts.connection();
    connection.accepted({ minMs: min_ms, maxMs: max_ms, jitter: 'full' }, session.heartbeat_interval_ms);
    if (session.outcome !== 'fresh') return;
    this.#parts.session.fresh(session);
    connection.ready();
  }

  #restored(frame: Frame): void {
    const restored = dataOf(frame, 'session_restored');
    if (restored === undefined) return;
    if (this.#admitted === undefined) throw new ServerFaultError('A restore before the admission');
    if (this.#parts.session.restored(this.#admitted, restored)) this.#parts.connection().ready();
  }

  #failed(data: ErrorData, replyTo: string | undefined): void {
    const { hub, session, sender, operations, connection } = this.#parts;
    const ends = endsConnection(data.error_type) || (data.error_type === 'server_error' && data.code !== 503);
    if (ends) this.#words = { ...this.#words, error: data };
    if (this.#admitted === undefined) {
      this.#words = { ...this.#words, error: data };
      // A faulty `connect` is closed by the server; any other refusal leaves a socket that is of no use.
      if (ends || data.error_type === 'invalid_message') return;
      const verdict = judgeRefusal(data);
      const anew = data.error_type === 'not_found' && session.forgetUnlessAsked();
      connection().useless(
        anew ? { retry: 'at_once', error: new LineLostError(1006, data.message) } : verdict,
      );
      return;
    }
    if (replyTo !== undefined && (sender.refused(replyTo, data) || operations.refused(replyTo, data))) return;
    if (!ends) hub.emit({ type: 'error', error: new OperationRefusedError('unknown', data) });
  }

  #tellFrame(direction: 'up' | 'down', text: string): void {
    const { options, hub, clock } = this.#parts;
    if (options.debug !== true) return;
    // Inside of a JSON string the quotes would be escaped: this only meets fields.
    const blotted = text.replace(/"(api_key|session_token)":"(?:[^"\\]|\\.)*"/g, '"$1":"***"');
    hub.emit({ type: 'frame', direction, at: clock.now(), text: blotted });
  }
}

/** Whether the server has let us in. */
function isIn(state: ConnectionState): boolean {
  return state.name === 'restoring' || state.name === 'connected';
}
