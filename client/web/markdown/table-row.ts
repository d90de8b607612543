import type { Align } from './blocks.ts';

/** Wider than anybody writes. */
const MAX_COLUMNS = 100;

/** The cells of a row. Beyond `most` the rest stays in the last one, so that nothing is hidden. */
export function cellsOf(row: string, most = MAX_COLUMNS + 1): string[] {
  const line = row.trim();
  const cells: string[] = [];
  let cell = '';
  let from = line.startsWith('|') ? 1 : 0;
  for (let i = from; i < line.length; i++) {
    if (line[i] === '\\') {
      if (line[i + 1] === '|') {
        cell += line.slice(from, i);
        from = i + 1;
      }
      i++;
    } else if (line[i] === '|' && cells.length < most - 1) {
      cells.push((cell + line.slice(from, i)).trim());
      cell = '';
      from = i + 1;
    }
  }
  const last = (cell + line.slice(from)).trim();
  if (last !== '' || cells.length === 0) cells.push(last.replace(/(?<!\\)\|$/, '').trimEnd());
  return cells;
}

/** How the columns are aligned, when the line is one that makes a table of the line before; otherwise `null`. */
export function alignments(line: string): readonly Align[] | null {
  if (!/[|:]/.test(line) || !/^[ \t|:-]*$/.test(line)) return null;
  const cells = cellsOf(line);
  if (cells.length > MAX_COLUMNS || !cells.every((cell) => /^:?-+:?$/.test(cell))) return null;
  return cells.map((cell) => (!cell.endsWith(':') ? 'start' : cell.startsWith(':') ? 'center' : 'end'));
}
