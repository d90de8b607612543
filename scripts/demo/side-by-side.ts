import { stripVTControlCharacters, styleText } from 'node:util';

export interface Row {
  readonly left: string;
  readonly right: string;
}

/** Two columns that fit the terminal, each row with whether its sides are the same. */
export function sideBySide(titles: Row, rows: readonly Row[], width: number): string {
  const column = Math.max(20, Math.floor((Math.min(width, 160) - 10) / 2));
  const rule = `  ${'-'.repeat(column)}   ${'-'.repeat(column)}`;
  const lines = [...block(titles, column, '    '), rule];
  for (const row of rows) {
    const same = row.left === row.right;
    lines.push(...block(row, column, same ? styleText('green', ' =  ') : styleText('red', ' != ')), rule);
  }
  return lines.join('\n');
}

function block({ left, right }: Row, column: number, mark: string): string[] {
  const [lefts, rights] = [wrap(left, column), wrap(right, column)];
  return Array.from({ length: Math.max(lefts.length, rights.length) }, (_, i) => {
    const between = i === 0 ? mark.slice(0, mark.length) : '    ';
    return `  ${(lefts[i] ?? '').padEnd(column)}${between}${rights[i] ?? ''}`.trimEnd();
  });
}

function wrap(text: string, column: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of stripVTControlCharacters(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > column) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
