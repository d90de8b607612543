import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import type { JsonObject } from '../../../protocol/json.ts';
import Entries from './Entries.svelte';
import { fromEditable, keyFault, toEditable } from './edit-value.ts';

function show(entries: JsonObject, saved = true, editable = true) {
  const onPatch = vi.fn(async () => saved);
  render(Entries, { kind: 'memory', title: 'Memory', empty: 'Nothing.', entries, editable, onPatch });
  return onPatch;
}

test('WEB-80 a text stays a text, everything else stays JSON', () => {
  expect(toEditable('blue')).toBe('blue');
  expect(toEditable({ a: 1 })).toBe('{"a":1}');
  expect(fromEditable('7', 'blue')).toEqual({ ok: true, value: '7' });
  expect(fromEditable('7', 6)).toEqual({ ok: true, value: 7 });
  expect(fromEditable('seven', 6)).toMatchObject({ ok: false });
  // In a merge patch it would delete the entry unasked.
  expect(fromEditable('null', 6)).toMatchObject({ ok: false });
  expect(keyFault('__proto__', [])).not.toBeNull();
  expect(keyFault('colour', ['colour'])).not.toBeNull();
});

test('WEB-80 an entry is changed, deleted and added as a patch', async () => {
  const onPatch = show({ colour: 'blue' });
  await fireEvent.click(screen.getByText('colour'));
  await fireEvent.input(screen.getByTestId('entry-value'), { target: { value: 'green' } });
  await fireEvent.click(screen.getByTestId('entry-save'));
  expect(onPatch).toHaveBeenLastCalledWith({ colour: 'green' });
  await fireEvent.click(screen.getByText('colour'));
  await fireEvent.click(screen.getByTestId('entry-delete'));
  expect(onPatch).toHaveBeenLastCalledWith({ colour: null });
  await fireEvent.click(screen.getByTestId('add-memory'));
  await fireEvent.input(screen.getByTestId('entry-key'), { target: { value: 'tone' } });
  await fireEvent.input(screen.getByTestId('entry-value'), { target: { value: 'brief' } });
  await fireEvent.click(screen.getByTestId('entry-save'));
  expect(onPatch).toHaveBeenLastCalledWith({ tone: 'brief' });
});

test('WEB-80 what was not saved stays in its field', async () => {
  show({ colour: 'blue' }, false);
  await fireEvent.click(screen.getByText('colour'));
  await fireEvent.input(screen.getByTestId('entry-value'), { target: { value: 'green' } });
  await fireEvent.click(screen.getByTestId('entry-save'));
  expect((screen.getByTestId('entry-value') as HTMLInputElement).value).toBe('green');
  expect(screen.getByRole('alert').textContent).toBe('It was not saved.');
});

test('WEB-80 without a line it is shown, not changed', () => {
  show({ colour: 'blue' }, true, false);
  expect((screen.getByText('colour').closest('button') as HTMLButtonElement).disabled).toBe(true);
});
