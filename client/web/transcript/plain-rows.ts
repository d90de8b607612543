import type { ConversationMessage, OutgoingMessage } from '../../sdk/index.ts';
import { textOf } from '../format/text.ts';
import type { PersonRow, Row } from './row-types.ts';
import type { Asked } from './turns.ts';

/** What a person wrote, once it is stored. */
export function personRow(message: ConversationMessage): PersonRow {
  return {
    kind: 'person',
    key: `p:${message.id}`,
    id: message.id,
    text: textOf(message.parts),
    at: message.ts,
    delivery: 'sent',
    error: null,
    queued: null,
    past: false,
  };
}

/** The same before it is stored. */
export function outgoingRow(message: OutgoingMessage): PersonRow {
  return {
    kind: 'person',
    key: `p:${message.id}`,
    id: message.id,
    text: message.content,
    at: message.createdAt,
    delivery: message.delivery,
    error: message.error,
    queued: null,
    past: false,
  };
}

export function systemRow(message: ConversationMessage, past: boolean): Row {
  return { kind: 'system', key: `y:${message.id}`, text: textOf(message.parts), past };
}

/** The rows of a thread that is over, each answer below its question as far as that is known. */
export function pastRows(messages: readonly ConversationMessage[], asked: Asked): readonly Row[] {
  const answers = new Map<string, ConversationMessage[]>(
    messages.filter((message) => message.role === 'user').map((message) => [message.id, []]),
  );
  const leading = messages.filter((message) => {
    const question = message.role === 'assistant' ? asked.get(message.runId ?? '') : undefined;
    const known = question === undefined ? undefined : answers.get(question);
    known?.push(message);
    return known === undefined;
  });
  return leading.flatMap((message) => [message, ...(answers.get(message.id) ?? [])]).map(pastRow);
}

function pastRow(message: ConversationMessage): Row {
  if (message.role === 'user') return { ...personRow(message), past: true };
  if (message.role === 'system') return systemRow(message, true);
  return {
    kind: 'answer',
    key: `a:${message.runId ?? message.id}:${message.id}`,
    message,
    streaming: null,
    run: null,
    workflow: null,
    inputs: [],
    toolCalls: message.toolCalls,
    retriable: false,
    past: true,
  };
}
