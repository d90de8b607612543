import type { ThreadDetail, ThreadList } from '../../../protocol/http/threads.ts';
import { ApiError, type Http } from './call.ts';

/** Threads over HTTP (`/api/chat/threads`). Each call throws `ApiError`. */
export interface ThreadsApi {
  list(query?: { cursor?: string; limit?: number; signal?: AbortSignal }): Promise<ThreadList>;
  /** `beforeSeq` is exclusive. */
  detail(
    id: string,
    query?: { beforeSeq?: number; limit?: number; signal?: AbortSignal },
  ): Promise<ThreadDetail>;
  rename(id: string, title: string): Promise<void>;
  /** Cancels its runs, closes its sockets, and removes all that was said. */
  erase(id: string): Promise<void>;
}

const PATH = '/api/chat/threads';
const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

export function threadsApi(http: Http): ThreadsApi {
  return {
    async list({ cursor, limit, signal } = {}) {
      return expect<ThreadList>(await http.call(PATH, { query: { cursor, limit }, signal }), 'threads');
    },
    async detail(id, { beforeSeq, limit, signal } = {}) {
      const query = { before_seq: beforeSeq, limit };
      return expect<ThreadDetail>(await http.call(pathOf(id), { query, signal }), 'history');
    },
    async rename(id, title) {
      await http.call(pathOf(id), { method: 'PATCH', body: { title } });
    },
    async erase(id) {
      await http.call(pathOf(id), { method: 'DELETE' });
    },
  };
}

/** A proxy's error page with status 200 is no answer of ours. */
function expect<T>(value: unknown, field: keyof T & string): T {
  if (typeof value !== 'object' || value === null || !(field in value))
    throw new ApiError('out_of_reach', 200, { title: 'Not the answer of a Holdfast server' });
  return value as T;
}
