import { ApiError } from './call.ts';

/** One sentence for a call that failed. */
export function apiWords(error: unknown): string {
  if (!(error instanceof ApiError)) return 'Something went wrong on this page.';
  switch (error.kind) {
    case 'unauthorized':
      return 'The key does not open this list.';
    case 'not_found':
      return 'This thread is not there any more.';
    case 'rate_limited':
      return 'Asked too often; try again in a moment.';
    case 'out_of_reach':
      return 'The server is out of reach.';
    case 'refused':
      return 'The server refused that.';
  }
}
