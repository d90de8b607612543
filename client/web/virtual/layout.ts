/** Where rows of different heights lie: those measured by their height, the others by an estimate. Pure. */
export interface Layout {
  /** `offsets[i]` is the top of row i; one more entry for the end of the last. */
  readonly offsets: Float64Array;
  readonly total: number;
}

/** A stretch of rows, `end` exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A place that stays where it is while rows around it come and change: `within` pixels below the top of the row `key`. */
export interface Anchor {
  readonly key: string;
  readonly within: number;
}

export interface Keyed {
  readonly key: string;
}

export function layoutOf<R extends Keyed>(
  rows: readonly R[],
  heights: ReadonlyMap<string, number>,
  estimate: (row: R) => number,
): Layout {
  const offsets = new Float64Array(rows.length + 1);
  let top = 0;
  rows.forEach((row, i) => {
    offsets[i] = top;
    top += heights.get(row.key) ?? estimate(row);
  });
  offsets[rows.length] = top;
  return { offsets, total: top };
}

/** The row at `y`, clamped to the first and the last; -1 when there are none. */
export function rowAt(layout: Layout, y: number): number {
  let low = 0;
  let high = layout.offsets.length - 2;
  if (high < 0) return -1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((layout.offsets[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The rows between `top - overscan` and `bottom + overscan`. */
export function visibleRange(layout: Layout, top: number, bottom: number, overscan: number): Range {
  const first = rowAt(layout, top - overscan);
  if (first < 0) return { start: 0, end: 0 };
  return { start: first, end: rowAt(layout, bottom + overscan) + 1 };
}

/** What to hold on to at scroll position `top`: the first row there that `holds`, and stays when others come and go. */
export function anchorAt<R extends Keyed>(
  rows: readonly R[],
  layout: Layout,
  top: number,
  holds: (row: R) => boolean = () => true,
): Anchor | undefined {
  const first = rowAt(layout, top);
  const index = rows.findIndex((row, i) => i >= first && holds(row));
  const row = rows[index];
  if (row === undefined) return undefined;
  return { key: row.key, within: top - (layout.offsets[index] ?? 0) };
}

/** The scroll position that shows the anchor where it was; `undefined` when its row is gone. */
export function topOf<R extends Keyed>(
  rows: readonly R[],
  layout: Layout,
  anchor: Anchor,
): number | undefined {
  const index = rows.findIndex((row) => row.key === anchor.key);
  if (index < 0) return undefined;
  return (layout.offsets[index] ?? 0) + anchor.within;
}
