import type { ConversationMessage, OutgoingMessage } from '../../sdk/index.ts';
import { textOf } from '../format/text.ts';
import type { PersonRow, Row } from './row-types.ts';

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

/** The rows of a thread that is over, each answer below its question. */
export function pastRows(messages: readonly ConversationMessage[]): readonly Row[] {
  const rows: Row[] = [];
  const questions = new Map<string, ConversationMessage>();
  for (const message of messages)
    if (message.role === 'user' && message.runId !== null) questions.set(message.runId, message);
  const told = new Set<string>();
  const answersOf = new Map<string, ConversationMessage[]>();
  for (const message of messages) {
    const question = message.role === 'assistant' ? questions.get(message.runId ?? '') : undefined;
    if (question === undefined) continue;
    answersOf.set(question.id, [...(answersOf.get(question.id) ?? []), message]);
    told.add(message.id);
  }
  for (const message of messages) {
    if (told.has(message.id)) continue;
    rows.push(pastRow(message));
    for (const answer of answersOf.get(message.id) ?? []) rows.push(pastRow(answer));
  }
  return rows;
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
