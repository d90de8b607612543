import { expect, test } from 'vitest';
import { seam } from '../testing/fixtures.ts';
import { seamFacts, seamParts } from './seam-words.ts';

const happened = {
  events: 12,
  messages: 1,
  runsFinished: 0,
  toolCalls: 2,
  lastStep: { name: 'review', step: 4, total: 5 },
};

test('WEB-50 a seam says how long, what came back, and what happened meanwhile', () => {
  expect(seamParts([seam({ meanwhile: happened })])).toEqual([
    'away 2 min 14 s',
    'everything restored',
    'the plan reached step 4',
  ]);
  expect(seamParts([seam({ awayMs: 400 })])).toEqual(['away under 1 s', 'everything restored']);
  expect(seamParts([seam({ meanwhile: { ...happened, runsFinished: 1 } })]).at(-1)).toBe(
    'an answer was finished',
  );
  expect(seamParts([seam({ meanwhile: { ...happened, lastStep: null, messages: 2 } })]).at(-1)).toBe(
    '2 messages came',
  );
  expect(seamParts([seam({ outcome: 'reset' })])[1]).toBe('read anew from the server');
});

test('WEB-50 several cuts add up', () => {
  expect(seamParts([seam({ awayMs: 2_000 }), seam({ awayMs: 3_000 })])[0]).toBe('2 cuts, away 5 s in all');
});

test('WEB-50 a snapshot that missed nothing claims nothing', () => {
  const quiet = seam({ mode: 'snapshot', meanwhile: { ...happened, events: 0, messages: 0, toolCalls: 0 } });
  expect(seamParts([quiet])).toHaveLength(2);
  expect(new Map(seamFacts(quiet, String)).get('Meanwhile')).toBe('nothing happened');
});

test('WEB-50 opened, it tells when, from which tier and how', () => {
  const facts = new Map(
    seamFacts(seam({ lostAt: 1, restoredAt: 2, disconnectedMs: 0, meanwhile: happened }), (at) => `t${at}`),
  );
  expect(facts.get('Line cut')).toBe('t1');
  expect(facts.get('Line back')).toBe('t2');
  expect(facts.get('Nobody there')).toBe('never: another device stayed');
  expect(facts.get('Tier')).toBe('medium');
  expect(facts.get('Caught up')).toBe('12 events replayed in order');
  expect(facts.get('Meanwhile')).toBe('1 message, 2 tool calls, step 4 of 5: review');
});
