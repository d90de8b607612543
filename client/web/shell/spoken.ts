import type { Conversation } from '../../sdk/index.ts';
import { excerpt, textOf } from '../format/text.ts';
import type { Sentence } from '../status/words.ts';
import { revealHidden, withoutHidden } from '../markdown/invisible.ts';

/**
 * Tells which sentences on the state are worth saying aloud. That all is well is news only to who has heard nothing yet, or
 * that it is not: after an answer it would speak over the answer.
 */
export function sentences(): (sentence: Sentence) => string {
  let isCalmNews = true;
  let before = '';
  return ({ lead, tail, tone }) => {
    // What counts down between the two stays unsaid.
    const text = `${lead} ${tail}`.trim();
    const isNews = text !== before && (tone !== 'calm' || isCalmNews);
    before = text;
    if (tone !== 'busy') isCalmNews = tone !== 'calm';
    return isNews ? text : '';
  };
}

/** Tells which arrivals are worth saying aloud: an answer that is complete, a question to the person. `''`: nothing. */
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
