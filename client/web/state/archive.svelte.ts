import type { ThreadDetail } from '../../../protocol/http/threads.ts';
import type { ConversationMessage } from '../../sdk/index.ts';
import type { ThreadsApi } from '../http/threads-api.ts';
import { apiWords } from '../http/words.ts';

type HistoryMessage = ThreadDetail['history']['messages'][number];

/** A thread that is over, read over HTTP page by page. */
export class Archive {
  readonly sessionId: string;
  messages = $state.raw<readonly ConversationMessage[]>([]);
  title = $state<string | null>(null);
  total = $state(0);
  hasMore = $state(false);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  loadingOlder = $state(false);
  error = $state<string | null>(null);
  readonly #api: ThreadsApi;

  constructor(api: ThreadsApi, sessionId: string) {
    this.#api = api;
    this.sessionId = sessionId;
  }

  /** Reads the newest page. */
  async load(): Promise<void> {
    this.phase = 'loading';
    try {
      const detail = await this.#api.detail(this.sessionId);
      this.title = detail.title;
      this.#take(detail);
      this.messages = detail.history.messages.map(toMessage);
      this.phase = 'ready';
      this.error = null;
    } catch (error) {
      this.phase = 'failed';
      this.error = apiWords(error);
    }
  }

  async loadOlder(): Promise<void> {
    const first = this.messages[0];
    if (first === undefined || !this.hasMore || this.loadingOlder) return;
    this.loadingOlder = true;
    try {
      const detail = await this.#api.detail(this.sessionId, { beforeSeq: first.seq });
      this.messages = [...detail.history.messages.map(toMessage), ...this.messages];
      this.#take(detail);
      this.error = null;
    } catch (error) {
      this.error = apiWords(error);
    } finally {
      this.loadingOlder = false;
    }
  }

  #take({ history }: ThreadDetail): void {
    this.total = history.total;
    this.hasMore = history.has_more;
  }
}

function toMessage(message: HistoryMessage): ConversationMessage {
  return {
    id: message.id,
    seq: message.seq,
    role: message.role,
    parts: message.parts,
    status: message.status,
    runId: message.run_id ?? null,
    ts: message.ts,
    metadata: message.metadata ?? null,
    delivery: message.role === 'user' ? 'sent' : null,
    runOutcome: message.run_outcome ?? null,
    toolCalls: message.tool_calls ?? [],
  };
}
