import { hash } from 'node:crypto';
import type { UpMessage } from '../../protocol/chat/parse.ts';
import type { StateChangingType, UpType } from '../../protocol/chat/up.ts';
import type { Principal } from '../auth/principal.ts';
import { decideChatMessage, decideRunRetry } from '../run/decide-chat.ts';
import { decideCancel, decideInputRespond } from '../run/decide-run.ts';
import { decideContextUpdate } from '../session/decide-context.ts';
import type { Decide } from '../session/decision.ts';
import { answerBytes, withinSize } from '../session/session-size.ts';
import { historyJson } from '../session/history.ts';
import type { CommandOutcome } from '../session/append-queue.ts';
import type { LiveSession } from '../session/live-session.ts';
import type { ChatDeps } from './chat-deps.ts';
import { type Refusal, refusal } from './refusal.ts';

/** What a message comes to for the client that sent it. */
export type Reply =
  | { readonly kind: 'frame'; readonly frame: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The client said goodbye. */
  | { readonly kind: 'goodbye' };

export interface HandlerContext {
  readonly deps: ChatDeps;
  readonly live: LiveSession;
  readonly principal: Principal;
  readonly id: undefined | string;
  /** Takes another key for this connection; a refusal when it may not. */
  readonly refresh: (apiKey: string) => undefined | Refusal;
}

type Message<T extends UpType> = Extract<UpMessage, { type: T }>;
type Handler<T extends UpType> = (message: Message<T>, context: HandlerContext) => Promise<Reply> | Reply;

/** One handler for each type that a client may send once it is authenticated. */
const HANDLERS: { readonly [T in Exclude<UpType, 'connect'>]: Handler<T> } = {
  ping: (_, context) => ({ kind: 'frame', frame: frameOf('pong', '{}', context.id) }),
  disconnect: () => ({ kind: 'goodbye' }),
  auth_refresh: ({ type, data }, context) => {
    const refused = context.refresh(data.api_key);
    if (refused !== undefined) return { kind: 'refused', refusal: refused };
    return { kind: 'frame', frame: deliveredFrame({ original_type: type, status: 'success' }, context.id) };
  },
  chat_message: (message, context) => {
    const decide = decideChatMessage(context.id ?? '', message.data, context.deps.rules);
    return change(message, context, sized(decide, context), message.data.on_busy === 'interrupt');
  },
  run_cancel: async (message, context) => {
    const { run_id } = message.data;
    const outcome = await execute(message, context, decideCancel(run_id), true);
    if (outcome.kind !== 'nothing') return reply(message, context, outcome);
    // Not at work: it has ended, or it never was.
    const ended = await context.deps.store.lookupIds(context.live.id, [`!fin:${run_id}`]);
    if (ended.length === 0) return refused('not_found', 'There is no such run');
    return acknowledge(message.type, context, null, 'success');
  },
  run_retry: (message, context) =>
    change(message, context, sized(decideRunRetry(message.data.run_id, context.deps.rules), context), false),
  input_respond: (message, context) => {
    const { responses } = message.data;
    const { settings, rules } = context.deps;
    const decide = decideInputRespond(responses, context.principal.subject, rules.runMaxMs);
    return change(message, context, withinSize(decide, answerBytes(settings.sessions.maxBytes)), false);
  },
  context_update: (message, context) => {
    const { maxContextBytes } = context.deps.settings.sessions;
    // Looked at before anything else is done with it. What may delete all that there is, and set all that there may be, is
    // not larger than this.
    const maxBytes = 2 * maxContextBytes;
    if (JSON.stringify(message.data).length > maxBytes)
      return refused(
        'limit_exceeded',
        `A patch may have at most ${maxBytes} bytes (twice MAX_CONTEXT_BYTES)`,
      );
    return change(
      message,
      context,
      sized(decideContextUpdate(message.data, maxContextBytes), context),
      false,
    );
  },
  context_request: (_, { live, id }) => {
    const { memory, preferences, workflow, toolCalls } = live.state;
    const { epoch, seq, tag } = live.head;
    const data = {
      memory,
      preferences,
      workflow,
      tool_calls: toolCalls,
      position: { epoch, seq, ...(tag === undefined ? {} : { tag }) },
    };
    return { kind: 'frame', frame: frameOf('context', JSON.stringify(data), id) };
  },
  history_request: async ({ data }, { deps, live, id }) => {
    const page = await deps.store.history({
      sessionId: live.id,
      beforeSeq: data.before_seq,
      limit: data.limit ?? deps.settings.sessions.historyPage,
      maxBytes: deps.settings.sockets.pageBytes,
      roles: data.roles,
    });
    return { kind: 'frame', frame: frameOf('history', historyJson(page), id) };
  },
  channel_join: notBuilt,
  channel_leave: notBuilt,
  channel_message: notBuilt,
};

/**
 * Does what a message asks. Comes to the one reply that its sender gets: at once where nothing has to be waited for.
 * @throws StoreUnavailable, SessionGone
 */
export function handle(
  message: Exclude<UpMessage, { type: 'connect' }>,
  context: HandlerContext,
): Promise<Reply> | Reply {
  return (HANDLERS[message.type] as Handler<typeof message.type>)(message as never, context);
}

function notBuilt(): Reply {
  return refused('not_available', 'Channels are not built yet');
}

function refused(...what: Parameters<typeof refusal>): Reply {
  return { kind: 'refused', refusal: refusal(...what) };
}

/** The rule of a message that makes the session grow, as long as that has room. */
function sized(decide: Decide, { deps }: HandlerContext): Decide {
  return withinSize(decide, deps.settings.sessions.maxBytes);
}

async function change(
  message: Message<StateChangingType>,
  context: HandlerContext,
  decide: Decide,
  needsPartial: boolean,
): Promise<Reply> {
  return reply(message, context, await execute(message, context, decide, needsPartial));
}

function execute(
  message: Message<StateChangingType>,
  { live, id }: HandlerContext,
  decide: Decide,
  needsPartial: boolean,
): Promise<CommandOutcome> {
  const digest = hash('sha1', `${message.type} ${JSON.stringify(message.data)}`, 'base64url');
  return live.execute({ decide, id: { id: id ?? '', digest }, needsPartial });
}

function reply(message: Message<StateChangingType>, context: HandlerContext, outcome: CommandOutcome): Reply {
  switch (outcome.kind) {
    case 'applied':
      return acknowledge(message.type, context, outcome.seq, 'success');
    case 'duplicate':
      return acknowledge(message.type, context, outcome.seq, 'duplicate');
    case 'nothing':
      return acknowledge(
        message.type,
        context,
        outcome.doneBy ?? null,
        outcome.doneBy === undefined ? 'success' : 'duplicate',
      );
    case 'refused':
      return {
        kind: 'refused',
        refusal: refusal(outcome.errorType, outcome.message, { original_type: message.type }),
      };
  }
}

function acknowledge(
  type: StateChangingType,
  { id }: HandlerContext,
  seq: number | null,
  status: 'success' | 'duplicate',
): Reply {
  return {
    kind: 'frame',
    frame: deliveredFrame({ original_type: type, message_id: id ?? '', seq, status }, id),
  };
}

function deliveredFrame(data: object, id: undefined | string): string {
  return frameOf('message_delivered', JSON.stringify(data), id);
}

/** A frame that answers the message with this id. */
export function frameOf(type: string, dataJson: string, replyTo: undefined | string): string {
  const to = replyTo === undefined ? '' : `,"reply_to":${JSON.stringify(replyTo)}`;
  return `{"type":"${type}","data":${dataJson}${to}}`;
}
