import type { Conversation, Seam } from '../../sdk/index.ts';
import type { Cut } from './row-types.ts';

/** A cut and its seam are noted one after the other; further apart than this they are two. */
const SAME_CUT_MS = 250;

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
  // Two cuts in quick succession have two seams: each is the row of one of them.
  const taken = new Set<Cut>();
  for (const seam of c.seams) {
    if (seam.outcome === 'expired') continue;
    const cut = nearest(cuts, seam.lostAt, taken);
    if (cut !== undefined) taken.add(cut);
    const placed = { seam, key: `s:${cut?.at ?? seam.lostAt}` };
    const messageId = cut?.messageId ?? null;
    if (messageId === null || !present.has(messageId)) bySeq.push(placed);
    else byMessage.set(messageId, [...(byMessage.get(messageId) ?? []), placed]);
  }
  bySeq.sort((a, b) => a.seam.afterSeq - b.seam.afterSeq || a.seam.lostAt - b.seam.lostAt);
  return { bySeq, byMessage };
}

/** The cut that this page saw when the seam began; none after a reload. */
function nearest(cuts: readonly Cut[], at: number, taken: ReadonlySet<Cut>): Cut | undefined {
  const away = (cut: Cut) => Math.abs(cut.at - at);
  return cuts
    .filter((cut) => away(cut) <= SAME_CUT_MS && !taken.has(cut))
    .reduce<Cut | undefined>(
      (best, cut) => (best === undefined || away(cut) < away(best) ? cut : best),
      undefined,
    );
}
