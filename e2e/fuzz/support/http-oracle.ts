import { problemSchema } from '../../../protocol/http/problem.ts';
import { threadListQuery, threadQuery } from '../../../protocol/http/threads.ts';
import { type HttpRequest, SENTINEL } from './http-requests.ts';
import type { HttpAnswer } from './http-line.ts';

const THREADS = '/api/chat/threads';
/** What may be wrong with a body before anybody looks at what it says. */
const BODY_FAULTS = [400, 413, 415] as const;
const GOOD_KEYS = /^Bearer +(development|valid-test-key) *$/i;

/** The statuses with which the server may answer a request that is HTTP. */
export function statusesOf(request: HttpRequest): readonly number[] {
  const { path, framing } = request;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  // Bodies are read where no route is, too, but never those of GET.
  const faults = framing === 'none' || method === 'GET' ? [] : BODY_FAULTS;
  if (!isDecodable(path)) return [400, 404, ...faults];
  if (path === THREADS || (path.startsWith(`${THREADS}/`) && !path.slice(THREADS.length + 1).includes('/')))
    return threadStatuses(request, method, faults);
  if (method === 'GET')
    switch (path) {
      case '/healthz':
      case '/readyz':
        return [200];
      case '/metrics':
        return isForwarded(request) ? [200, 401, 403] : [200];
      case '/api/openapi.json':
      case '/api/asyncapi.json':
        return [200];
      case '/ws':
      case '/ws/agent':
        return [426];
      case '/':
        return [200, 206, 304, 416, 503];
    }
  if (method === 'GET' && path.startsWith('/client_')) return [426, 404];
  if (method === 'POST' && path === '/debug/clock') return [200, 404, 422, ...BODY_FAULTS];
  return [404, ...faults];
}

function threadStatuses(request: HttpRequest, method: string, faults: readonly number[]): readonly number[] {
  const isList = request.path === THREADS;
  const id = request.path.slice(THREADS.length + 1);
  const routes = isList ? ['GET', 'POST'] : ['GET', 'PATCH', 'DELETE'];
  if (!routes.includes(method)) return [404, ...faults];
  if (!GOOD_KEYS.test(headerOf(request, 'Authorization'))) return [401];
  if (method === 'GET') {
    const schema = isList ? threadListQuery : threadQuery;
    const isGood = schema.safeParse(parametersOf(request.query)).success;
    if (isList) return isGood ? [200] : [422];
    // A bad id is no path at all, whatever is asked of it.
    return isGood ? [200, 404] : [422, 404];
  }
  if (method === 'DELETE') return [204, 404, ...faults];
  if (id.length === 0 && !isList) return [404, ...faults];
  return method === 'POST' ? [200, 201, 409, 422, ...BODY_FAULTS] : [200, 404, 422, ...BODY_FAULTS];
}

/** What is wrong with an answer; empty when it is as it should be. */
export function faultsOf(request: HttpRequest, answer: HttpAnswer): string[] {
  const faults: string[] = [];
  const allowed = statusesOf(request);
  if (!allowed.includes(answer.status)) faults.push(`answered ${answer.status}, not ${allowed.join(' or ')}`);
  if (answer.body.includes(SENTINEL)) faults.push('repeats what was sent');
  // A path that cannot be decoded is answered before there is a route, and without the headers of one.
  if (isDecodable(request.path))
    for (const name of ['content-security-policy', 'x-content-type-options', 'referrer-policy'])
      if (!answer.headers.has(name)) faults.push(`has no ${name}`);
  if (answer.status >= 400 && request.method !== 'HEAD' && !(answer.status === 503 && request.path === '/'))
    faults.push(...problemFaults(answer));
  return faults;
}

function problemFaults({ status, headers, body }: HttpAnswer): string[] {
  if (headers.get('content-type')?.startsWith('application/problem+json') !== true)
    return [`is a ${headers.get('content-type')}`];
  const parsed = problemSchema.safeParse(JSON.parse(body));
  if (!parsed.success) return ['is no problem document of its schema'];
  return parsed.data.status === status ? [] : ['names another status'];
}

/** Whether HTTP says that the connection ends with this answer. */
export function endsWith(answer: HttpAnswer): boolean {
  return answer.headers.get('connection')?.toLowerCase() === 'close';
}

/** Whether the client asked for the end of the connection. */
export function asksForEnd(request: HttpRequest): boolean {
  return request.headers.some(([name, value]) => name === 'Connection' && value === 'close');
}

function headerOf(request: HttpRequest, wanted: string): string {
  return request.headers.find(([name]) => name === wanted)?.[1] ?? '';
}

function isForwarded(request: HttpRequest): boolean {
  return request.headers.some(([name]) => name === 'X-Forwarded-For' || name === 'Forwarded');
}

/** As the server reads a query: the values of a name that occurs more than once are a list. */
function parametersOf(query: string): Record<string, string | string[]> {
  const parameters: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(query)) {
    const before = parameters[name];
    parameters[name] = before === undefined ? value : [before, value].flat();
  }
  return parameters;
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
