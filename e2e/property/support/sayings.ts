/**
 * What the demo agent's whole answer to a message must be, by the contract's words; `undefined` where it depends on
 * more than the message. `ordinal`: how many messages people had sent in the session, this one included.
 */
export function answerTo(content: string, ordinal: number): undefined | string {
  const [, upTo] = /^count to (\d+)$/.exec(content) ?? [];
  if (upTo !== undefined) return countTo(Number(upTo));
  const [, a, b] = /^calc (\d+) \* (\d+)$/.exec(content) ?? [];
  if (a !== undefined) return `${a} * ${b} = ${Number(a) * Number(b)}`;
  const [, key, value] = /^remember (\S+) is (\S+)$/.exec(content) ?? [];
  if (key !== undefined) return `Remembered ${key} = ${value}.`;
  if (/^(plan|recall|calc) /.test(content)) return undefined;
  return `Message ${ordinal}: "${content}"`;
}

function countTo(n: number): string {
  return Array.from({ length: n }, (_, i) => i + 1).join(' ');
}
