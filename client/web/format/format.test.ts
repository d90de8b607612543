import { expect, test } from 'vitest';
import { LineLostError, OperationRefusedError, RefusedError } from '../../sdk/index.ts';
import { countdown, duration } from './duration.ts';
import { errorDetails, errorWords } from './error-words.ts';
import { dayName } from './moment.ts';
import { excerpt, readable } from './text.ts';

test('WEB-11 durations in their two largest units', () => {
  expect([400, 14_900, 134_000, 120_000, 3_900_000, 90_000_000, 300_000_000].map(duration)).toEqual([
    'under 1 s',
    '14 s',
    '2 min 14 s',
    '2 min',
    '1 h 5 min',
    '1 day',
    '3 days',
  ]);
});

test('WEB-11 a countdown never reaches nothing', () => {
  expect([-5_000, 0, 10, 1_001, 65_000].map(countdown)).toEqual(['1 s', '1 s', '1 s', '2 s', '1 min 5 s']);
});

test('WEB-11 errors are put into words by their type, never by the text of the server', () => {
  const refused = new RefusedError('Unbekannter Schlüssel', 'invalid_key');
  expect(errorWords(refused).what).toBe('Invalid API key.');
  expect(errorDetails(refused)).toBe('RefusedError: Unbekannter Schlüssel (invalid_key)');
  expect(errorWords(new LineLostError(1006, '')).what).toBe('Connection lost.');
  const later = { message: 'x', error_type: 'from_a_later_version' as never, code: 400, retryable: false };
  expect(errorWords(new OperationRefusedError('run_cancel', later)).what).toBe('The server is in trouble.');
  const full = { message: 'x', error_type: 'limit_exceeded' as const, code: 413, retryable: false };
  expect(errorWords(new OperationRefusedError('chat_message', full)).what).toMatch(
    /^Not sent: too many messages wait/,
  );
  expect(errorWords(new Error('boom')).what).toBe('Something went wrong on this page.');
});

test('WEB-32 days have names', () => {
  const now = new Date(2026, 10, 20, 12).getTime();
  expect(dayName(now, now)).toBe('Today');
  expect(dayName(now - 86_400_000, now)).toBe('Yesterday');
  expect(dayName(now - 3 * 86_400_000, now)).toContain('17 November');
});

test('WEB-41 excerpts are one line, JSON is indented', () => {
  expect(excerpt('one\n\n  two three', 9)).toBe('one two…');
  expect(readable({ a: 1 })).toBe('{\n  "a": 1\n}');
  expect(readable('text')).toBe('text');
});
