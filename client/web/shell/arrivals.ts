import type { Conversation } from '../../sdk/index.ts';
import { excerpt, textOf } from '../format/text.ts';
import { revealHidden, withoutHidden } from '../markdown/invisible.ts';

/** Tells what is worth saying aloud: an answer that is complete, a question to the person. `''`: nothing. */
export function arrivals(): (conversation: Conversation) => string {
  let seq: number | undefined;
  let asked: ReadonlySet<string> | undefined;
  return (c) => {
    const last = c.messages.findLast((m) => m.role === 'assistant');
    const pending = c.inputs.filter((input) => input.resolved === null);
    // What was there when the page was opened is not news.
    const answer = seq !== undefined && last !== undefined && last.seq > seq ? last : undefined;
    const question = asked === undefined ? undefined : pending.find((input) => !asked?.has(input.requestId));
    if (c.session !== null) {
      seq = Math.max(seq ?? 0, last?.seq ?? 0);
      asked = new Set(pending.map((input) => input.requestId));
    }
    if (question !== undefined) return `The agent asks: ${excerpt(revealHidden(question.prompt), 200)}`;
    return answer === undefined ? '' : `Answer: ${excerpt(withoutHidden(textOf(answer.parts)), 300)}`;
  };
}
