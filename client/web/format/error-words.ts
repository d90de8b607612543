import { CLOSE_CODES } from '../../../protocol/close-codes.ts';
import type { ErrorType } from '../../../protocol/errors.ts';
import type { HoldfastError } from '../../sdk/index.ts';

/** What happened, and what to do about it, in people's words. */
export interface ErrorWords {
  readonly what: string;
  readonly hint: string;
}

/** The page has a button for it wherever a thread cannot be opened. */
export const NEW_THREAD_HINT = 'Begin a new thread.';

// By `error_type`: the server's own texts are for logs and may change.
const BY_TYPE: Record<ErrorType, ErrorWords> = {
  invalid_key: { what: 'Invalid API key.', hint: 'Check it, and sign in again.' },
  token_expired: { what: 'Token expired.', hint: 'Sign in again; what was said is kept.' },
  invalid_session_token: { what: 'Invalid session token.', hint: NEW_THREAD_HINT },
  auth_timeout: { what: 'Signing in took too long.', hint: 'Try again.' },
  rate_limited: { what: 'That was too much at once.', hint: 'It goes on after a pause.' },
  invalid_format: {
    what: 'This page and the server do not understand each other.',
    hint: 'Reload the page.',
  },
  invalid_message: { what: 'The server could not read that.', hint: 'Change it, and try again.' },
  protocol_violation: { what: 'This page and the server are out of step.', hint: 'Reload the page.' },
  unsupported_version: { what: 'This page is too old for the server.', hint: 'Reload the page.' },
  forbidden: { what: 'This key is not allowed to do that.', hint: 'Sign in with another one.' },
  not_found: { what: 'That is not there any more.', hint: NEW_THREAD_HINT },
  busy: { what: 'Not sent: a run was in hand.', hint: 'Send it again, or let it wait its turn.' },
  conflict: { what: 'Something else came first.', hint: 'Look at the newest state.' },
  limit_exceeded: {
    what: 'That is over a limit of the server.',
    hint: 'Make it smaller, or wait for an answer.',
  },
  not_available: { what: 'This server does not offer that.', hint: '' },
  id_conflict: { what: 'That message was sent before with another content.', hint: 'Discard it.' },
  server_error: { what: 'The server is in trouble.', hint: 'Nothing is lost. Try again.' },
};

/** Words for any error of the SDK, or of anything else. */
export function errorWords(error: unknown): ErrorWords {
  if (!isHoldfastError(error)) return { what: 'Something went wrong on this page.', hint: 'Reload it.' };
  switch (error.name) {
    case 'LineLostError':
      return { what: 'Connection lost.', hint: 'Nothing is lost.' };
    case 'ServerFaultError':
      return { what: 'What the server sent did not add up.', hint: 'The line is taken up anew.' };
    case 'RateLimitedError':
      return BY_TYPE.rate_limited;
    case 'RefusedError':
    case 'OperationRefusedError':
    case 'ClientFaultError':
      return byType(error);
    case 'OperationTimeoutError':
      return { what: 'No answer came in time.', hint: 'It may have been done all the same.' };
    case 'SessionEndedError':
      return { what: 'The session that this was meant for has ended.', hint: '' };
    case 'OverflowError':
      return { what: 'Too much is waiting to be sent.', hint: 'Wait until some of it has gone.' };
    case 'InvalidRequestError':
      return { what: error.message.endsWith('.') ? error.message : `${error.message}.`, hint: '' };
    case 'StorageError':
      return { what: 'This browser cannot keep unsent messages.', hint: 'Do not reload until all is sent.' };
    default:
      return { what: 'That was not done.', hint: 'Try again.' };
  }
}

/** For those who want to know exactly: class, `error_type`, code. No key and no token is ever in it. */
export function errorDetails(error: unknown): string {
  if (!isHoldfastError(error))
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const facts = error as HoldfastError & { errorType?: string; code?: number; credential?: string };
  const more = [facts.errorType, facts.code, facts.credential].filter(
    (fact) => fact !== undefined && !error.message.includes(`(${fact})`),
  );
  return `${error.name}: ${error.message}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

/** A message that is short enough can only be one too many. */
const ONE_TOO_MANY: ErrorWords = {
  what: 'Not sent: too many messages wait already, or the thread is full.',
  hint: 'Send it again after an answer.',
};

function byType(error: HoldfastError): ErrorWords {
  const { errorType: type, code } = error as { errorType?: ErrorType; code?: number };
  if (code === CLOSE_CODES.frameTooLarge.code) return BY_TYPE.limit_exceeded;
  const { operation } = error as { operation?: string };
  if (type === 'limit_exceeded' && operation === 'chat_message') return ONE_TOO_MANY;
  return type === undefined ? BY_TYPE.protocol_violation : (BY_TYPE[type] ?? BY_TYPE.server_error);
}

function isHoldfastError(error: unknown): error is HoldfastError {
  return error instanceof Error && 'shouldRetry' in error;
}
