/** The frames of the project's own form that are counted; the two floors send the same. */
export type FrameKind = 'record' | 'ack' | 'chunk' | 'other';

// `{"type":"message_created"`, `..._delivered"`, `..._delta"`: the letter after the name's fourth differs.
const FIRST = 9;
const TELLING = 20;
const LETTERS: Readonly<Record<number, FrameKind>> = {
  [code('a')]: 'record',
  [code('i')]: 'ack',
  [code('t')]: 'chunk',
};

/** Told by two bytes, without parsing. */
export function kindOf(data: Buffer): FrameKind {
  if (data[FIRST] !== code('m')) return 'other';
  return LETTERS[data[TELLING] ?? 0] ?? 'other';
}

function code(letter: string): number {
  return letter.charCodeAt(0);
}
