import type { ErrorType } from '../../../protocol/errors.ts';
import type { Problem } from '../../../protocol/http/problem.ts';

export type ApiErrorKind = 'unauthorized' | 'not_found' | 'rate_limited' | 'out_of_reach' | 'refused';

/** Why an HTTP call did not do what it should. `message` is for logs; show words by `kind`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly kind: ApiErrorKind;
  readonly status: number;
  readonly errorType: ErrorType | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(kind: ApiErrorKind, status: number, problem?: Partial<Problem>, options?: ErrorOptions) {
    super(problem?.detail ?? problem?.title ?? kind, options);
    this.kind = kind;
    this.status = status;
    this.errorType = problem?.error_type;
    this.retryAfterMs = problem?.retry_after_ms;
  }

  shouldRetry(): boolean {
    return this.kind === 'out_of_reach' || this.kind === 'rate_limited';
  }
}

/** How long a call may take. */
const TIMEOUT_MS = 15_000;

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Calls the server's HTTP plane with a key. */
export class Http {
  readonly #apiKey: string;
  readonly #fetch: typeof fetch;

  constructor(apiKey: string, fetchFn: typeof fetch = (...args) => fetch(...args)) {
    this.#apiKey = apiKey;
    this.#fetch = fetchFn;
  }

  /**
   * The JSON of a good answer; `undefined` for one without a body.
   * @throws ApiError; the signal's reason when it aborts
   */
  async call(path: string, { method = 'GET', query = {}, body, signal }: Call = {}): Promise<unknown> {
    const response = await this.#send(path + queryText(query), {
      method,
      headers: {
        authorization: `Bearer ${this.#apiKey}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]),
    });
    if (!response.ok) throw await errorOf(response);
    if (response.status === 204) return undefined;
    try {
      return await response.json();
    } catch (cause) {
      throw new ApiError('out_of_reach', response.status, { title: 'The answer is no JSON' }, { cause });
    }
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(url, init);
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
      throw new ApiError('out_of_reach', 0, { title: 'No answer' }, { cause });
    }
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const known = problem.retry_after_ms ?? (Number.isFinite(seconds) ? seconds * 1_000 : undefined);
  return new ApiError(
    kindOf(response.status),
    response.status,
    known === undefined ? problem : { ...problem, retry_after_ms: known },
  );
}

function kindOf(status: number): ApiErrorKind {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404 || status === 410) return 'not_found';
  if (status === 429) return 'rate_limited';
  return status >= 500 ? 'out_of_reach' : 'refused';
}

function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined,
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}`;
}
