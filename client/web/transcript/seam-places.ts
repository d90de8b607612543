import type { Conversation, Seam } from '../../sdk/index.ts';
import type { Cut } from './row-types.ts';

/** A cut and its seam are told by two reckonings of the time; further apart than this they are two. */
const SAME_CUT_MS = 2_000;

/** A seam, and the key that its row had already while the line was cut. */
export interface PlacedSeam {
  readonly seam: Seam;
  readonly key: string;
}

export interface SeamPlaces {
  /** After the last message up to `afterSeq`, ascending. */
  readonly bySeq: readonly PlacedSeam[];
  /** Cuts that fell into an answer stand below it: what was on the page does not move when the line is back. */
  readonly byMessage: ReadonlyMap<string, readonly PlacedSeam[]>;
}

/** Where each seam belongs. An expired session's has a row of its own (`ended`). */
export function seamPlaces(c: Conversation, cuts: readonly Cut[]): SeamPlaces {
  const bySeq: PlacedSeam[] = [];
  const byMessage = new Map<string, PlacedSeam[]>();
  const present = new Set(c.messages.map((m) => m.id));
  if (c.streaming !== null) present.add(c.streaming.messageId);
  for (const seam of c.seams) {
    if (seam.outcome === 'expired') continue;
    const cut = cuts.find((x) => Math.abs(x.at - seam.lostAt) <= SAME_CUT_MS);
    const placed = { seam, key: `s:${cut?.at ?? seam.lostAt}` };
    const messageId = cut?.messageId ?? null;
    if (messageId === null || !present.has(messageId)) bySeq.push(placed);
    else byMessage.set(messageId, [...(byMessage.get(messageId) ?? []), placed]);
  }
  bySeq.sort((a, b) => a.seam.afterSeq - b.seam.afterSeq || a.seam.lostAt - b.seam.lostAt);
  return { bySeq, byMessage };
}
