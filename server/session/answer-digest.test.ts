import { expect, test } from 'vitest';
import { answerDigest, type GivenAnswer } from './answer-digest.ts';

test('MSG-42 equal answers are told as equal, whatever the order of their members', () => {
  const one = { value: { a: [1, { x: null, y: 'z' }], b: true } };
  const other = { value: { b: true, a: [1, { y: 'z', x: null }] } };
  expect(answerDigest(one)).toBe(answerDigest(other));
});

test('MSG-42 others are not', () => {
  const answers: GivenAnswer[] = [
    { approved: true },
    { approved: false },
    { value: true },
    { value: null },
    { value: 'true' },
    { value: [] },
    { value: {} },
    { value: [1, 2] },
    { value: [2, 1] },
    { value: ['1,2'] },
    { value: { a: 1 } },
    { value: { a: '1' } },
    { approved: true, value: true },
  ];
  expect(new Set(answers.map(answerDigest)).size).toBe(answers.length);
});
