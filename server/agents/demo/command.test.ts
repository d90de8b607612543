import { describe, expect, test } from 'vitest';
import { parseCommand } from './command.ts';

describe('what a person writes', () => {
  test.each([
    ['count to 5', { kind: 'count', to: 5 }],
    ['  COUNT   To 500\n', { kind: 'count', to: 500 }],
    ['count to 1', { kind: 'count', to: 1 }],
    ['remember name is Bob', { kind: 'remember', key: 'name', value: 'Bob' }],
    ['Remember My  Name IS Bob Is Here ', { kind: 'remember', key: 'My Name', value: 'Bob Is Here' }],
    ['remember this is is that', { kind: 'remember', key: 'this', value: 'is that' }],
    ['remember poem is a\nb', { kind: 'remember', key: 'poem', value: 'a\nb' }],
    ['recall My Name', { kind: 'recall', key: 'My Name' }],
    ['prefer theme Dark blue', { kind: 'prefer', key: 'theme', value: 'Dark blue' }],
    ['calc 1+1', { kind: 'calc', expression: '1+1' }],
    ['CALC  (1) ', { kind: 'calc', expression: '(1)' }],
    ['plan a Trip', { kind: 'plan', topic: 'a Trip' }],
  ])('DEM-1 %j', (text, command) => {
    expect(parseCommand(text)).toEqual(command);
  });

  test.each([
    'count to 0',
    'count to 501',
    'count to -1',
    'count to 2.5',
    'count to',
    'count 5',
    'count to 5 please',
    'remember me',
    'remember is x',
    'remember x is',
    'remember __proto__ is x',
    `remember ${'k'.repeat(129)} is x`,
    'recall',
    'prefer theme',
    'calc',
    'plan',
    'plans for tea',
    'hello',
    '',
    ' ',
  ])('DEM-1 %j is no command, and is said back as it is', (text) => {
    expect(parseCommand(text)).toEqual({ kind: 'echo', text });
  });

  // Everybody else waits while a message is read: the longest one, however it is made, must take no time.
  test.each([
    ['spaces before a value', `remember x${' '.repeat(99_000)}y`],
    ['almost a value', `remember ${'x is'.repeat(24_000)}`],
    ['keys without a value', `prefer ${' \n'.repeat(49_000)}x`],
    ['one word', 'x'.repeat(100_000)],
  ])('DEM-1 is read at once: %s', (_, text) => {
    expect(parseCommand(text).kind).toBe('echo');
  });
});
