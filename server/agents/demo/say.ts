import type { RunContext } from '../../run/agent-port.ts';

/** Into how many pieces an answer is cut, and how long it waits between them. */
const PIECES = 4;
const PAUSE_MS = 60;

/** Streams a text in a few pieces. After a takeover it goes on where the stored text ends. */
export function say(ctx: RunContext, text: string): Promise<void> {
  return stream(ctx, cutAtWords(text, PIECES), PAUSE_MS);
}

/**
 * Streams these pieces as one message, `pauseMs` apart. Pieces that an earlier execution stored are not waited for again.
 */
export async function stream(ctx: RunContext, pieces: readonly string[], pauseMs: number): Promise<void> {
  const writer = await ctx.message();
  if (writer.completed) return;
  const whole = pieces.join('');
  // What was stored belongs to another text: something that it was made of has changed.
  if (!whole.startsWith(writer.text)) await writer.restart();
  const stored = writer.text.length;
  let end = 0;
  for (const piece of pieces) {
    end += piece.length;
    if (end <= stored) continue;
    if (end > piece.length) await ctx.sleep(pauseMs);
    await writer.write(whole.slice(Math.max(stored, end - piece.length), end));
  }
  await writer.complete();
}

/** The text in at most `count` pieces of about the same length, each but the last ending after a space where there is one. */
export function cutAtWords(text: string, count: number): string[] {
  const pieces: string[] = [];
  const length = Math.max(8, Math.ceil(text.length / count));
  let from = 0;
  while (text.length - from > length) {
    const space = text.lastIndexOf(' ', from + length);
    const to = space > from ? space + 1 : wholeCharacters(text, from + length);
    pieces.push(text.slice(from, to));
    from = to;
  }
  pieces.push(text.slice(from));
  return pieces;
}

/** Never cuts a surrogate pair. */
function wholeCharacters(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  return code >= 0xd800 && code <= 0xdbff ? at + 1 : at;
}
