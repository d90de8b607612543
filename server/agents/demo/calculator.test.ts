import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadExpression, calculate, formatNumber } from './calculator.ts';

const shown = (expression: string) => {
  try {
    return formatNumber(calculate(expression));
  } catch (error) {
    if (error instanceof BadExpression) return error.code;
    throw error;
  }
};

describe('the calculator', () => {
  test.each([
    ['2 + 3 * 4', '14'],
    ['(2+3)*4', '20'],
    ['10 / 4', '2.5'],
    ['0.1 + 0.2', '0.3'],
    ['1 / 3', '0.333333333333333'],
    ['.5 + 1.', '1.5'],
    ['7 % 4', '3'],
    ['-7 % 4', '-3'],
    ['2 ^ 3 ^ 2', '512'],
    ['-2 ^ 2', '-4'],
    ['(-2) ^ 2', '4'],
    ['2 ^ -1', '0.5'],
    ['--2', '2'],
    ['2--2', '4'],
    ['+3', '3'],
    ['8 / 2 / 2', '2'],
    ['8 - 2 - 2', '4'],
    ['-0', '0'],
    ['9007199254740991', '9007199254740991'],
    ['2 ^ 100', '1.26765060022823e+30'],
    ['((((1))))', '1'],
    [' 1 ', '1'],
  ])('DEM-5 %s = %s', (expression, value) => {
    expect(shown(expression)).toBe(value);
  });

  test.each([
    ['1 / 0', 'division_by_zero'],
    ['1 % 0', 'division_by_zero'],
    ['0 ^ -1', 'division_by_zero'],
    ['1 / (2 - 2)', 'division_by_zero'],
    ['', 'syntax'],
    ['1 +', 'syntax'],
    ['1 2', 'syntax'],
    ['(1', 'syntax'],
    ['1)', 'syntax'],
    ['()', 'syntax'],
    ['* 2', 'syntax'],
    ['1..2', 'syntax'],
    ['1e5', 'syntax'],
    ['process.exit()', 'syntax'],
    ['(-1) ^ 0.5', 'no_number'],
    ['10 ^ 400', 'no_number'],
    [`${'1+'.repeat(100)}1`, 'too_long'],
    ['('.repeat(200), 'syntax'],
    ['-'.repeat(200), 'syntax'],
  ])('DEM-6 %s is no number: %s', (expression, code) => {
    expect(shown(expression)).toBe(code);
  });

  test('DEM-6 never fails in another way, whatever it is given', () => {
    const symbols = fc.string({ unit: fc.constantFrom(...'0123456789.+-*/%^() x'), maxLength: 210 });
    fc.assert(
      fc.property(symbols, (text) => typeof shown(text) === 'string'),
      { numRuns: 2000 },
    );
  });

  test('DEM-5 agrees with JavaScript on what both know', () => {
    const number = fc.integer({ min: 0, max: 999 }).map(String);
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        number,
        fc.tuple(tie('tree'), fc.constantFrom('+', '-', '*'), tie('tree')).map((t) => t.join(' ')),
        tie('tree').map((inner) => `(${inner})`),
        tie('tree').map((inner) => `-(${inner})`),
      ),
    }));
    fc.assert(
      fc.property(
        tree.filter((text) => text.length <= 200),
        (text) => {
          // biome-ignore lint/security/noGlobalEval: the reference, over numbers and operators only
          expect(calculate(text)).toBe(eval(text));
        },
      ),
      { numRuns: 500 },
    );
  });
});
