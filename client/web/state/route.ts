/** What the address names: a thread, or a new one. */
export type Route = { readonly name: 'new' } | { readonly name: 'thread'; readonly id: string };

/** `#/t/SESSION_ID`. The id opens nothing without a key of the same subject. */
export function parseRoute(hash: string): Route {
  const id = /^#\/t\/([^/?#]{1,384})$/.exec(hash)?.[1];
  if (id === undefined) return { name: 'new' };
  try {
    return { name: 'thread', id: decodeURIComponent(id) };
  } catch {
    return { name: 'new' };
  }
}

export function hashOf(route: Route): string {
  return route.name === 'new' ? '#/' : `#/t/${encodeURIComponent(route.id)}`;
}
