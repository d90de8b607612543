import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { thread } from '../testing/fixtures.ts';
import ThreadFinder from './ThreadFinder.svelte';
import { findThreads, threadName, threadNote } from './thread-words.ts';

const all = [
  thread('s-1', { title: 'Kitchen garden' }),
  thread('s-2', { last_message: { role: 'assistant', text: 'Garden fence', ts: '' }, expires_in_ms: 41_000 }),
  thread('s-3', { title: 'Numbers', archived: true }),
];

test('WEB-90 a thread is called by its title, or by what was said last', () => {
  expect(all.map(threadName)).toEqual(['Kitchen garden', 'Garden fence', 'Numbers']);
  expect(threadName(thread('s-4', { last_message: null }))).toBe('New thread');
  expect(threadName(thread('s-5', { title: 'a\u202Eb' }))).toBe('ab');
});

test('WEB-90 and says how long it is kept', () => {
  expect(all.map(threadNote)).toEqual(['open now', 'kept for 41 s', 'archived, to read only']);
});

test('WEB-91 every word has to be in it', () => {
  expect(findThreads(all, 'GARDEN')).toHaveLength(2);
  expect(findThreads(all, 'garden fence')).toHaveLength(1);
  expect(findThreads(all, '  ')).toHaveLength(3);
});

test('WEB-91 the finder is driven by the keyboard alone', async () => {
  const onOpen = vi.fn();
  const onNew = vi.fn();
  render(ThreadFinder, { threads: all, now: 0, onOpen, onNew });
  const field = screen.getByTestId('finder-field');
  await fireEvent.input(field, { target: { value: 'garden' } });
  await fireEvent.keyDown(field, { key: 'ArrowDown' });
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(onOpen).toHaveBeenCalledExactlyOnceWith('s-2');
  await fireEvent.keyDown(field, { key: 'ArrowDown' });
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(onNew).toHaveBeenCalledOnce();
});
