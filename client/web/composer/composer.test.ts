import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { OverflowError } from '../../sdk/index.ts';
import Composer from './Composer.svelte';
import { charactersIn, cutTo, MAX_CHARACTERS } from './limit.ts';

function show(more: object = {}) {
  const onSend = vi.fn();
  const onStop = vi.fn();
  render(Composer, { connected: true, busy: false, stoppable: false, onSend, onStop, ...more });
  return { onSend, onStop, field: screen.getByTestId('composer') as HTMLTextAreaElement };
}

test('WEB-60 Enter sends, Shift+Enter breaks the line', async () => {
  const { onSend, field } = show();
  await fireEvent.input(field, { target: { value: ' hello ' } });
  await fireEvent.keyDown(field, { key: 'Enter', shiftKey: true });
  expect(onSend).not.toHaveBeenCalled();
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).toHaveBeenCalledExactlyOnceWith('hello', 'enqueue');
  expect(field.value).toBe('');
});

test('WEB-60 an Enter that ends a composed word sends nothing', async () => {
  const { onSend, field } = show();
  await fireEvent.input(field, { target: { value: '日本' } });
  await fireEvent.keyDown(field, { key: 'Enter', isComposing: true });
  expect(onSend).not.toHaveBeenCalled();
});

test('WEB-60 nothing but white space is not sent', async () => {
  const { onSend, field } = show();
  await fireEvent.input(field, { target: { value: ' \n ' } });
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).not.toHaveBeenCalled();
});

test('WEB-61 over the limit it says by how much, and offers to cut', async () => {
  const { onSend, field } = show();
  await fireEvent.input(field, { target: { value: 'x'.repeat(MAX_CHARACTERS + 1_200) } });
  expect(screen.getByTestId('composer-note').textContent).toContain('1,200 characters too many.');
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).not.toHaveBeenCalled();
  await fireEvent.click(screen.getByText('Cut the end off'));
  expect(field.value).toHaveLength(MAX_CHARACTERS);
});

test('WEB-61 characters are counted as the server does', () => {
  expect(charactersIn('😀'.repeat(60_000))).toBe(60_000);
  expect(charactersIn('😀'.repeat(MAX_CHARACTERS + 1))).toBe(MAX_CHARACTERS + 1);
  expect(cutTo('😀😀😀', 2)).toBe('😀😀');
});

test('WEB-61 what cannot be taken stays in the field', async () => {
  const onSend = () => {
    throw new OverflowError('full', 1);
  };
  const { field } = show({ onSend });
  await fireEvent.input(field, { target: { value: 'one more' } });
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(field.value).toBe('one more');
  expect(screen.getByTestId('composer-note').textContent).toContain('Too much is waiting to be sent.');
});

test('WEB-62 while the agent is busy one chooses what a message does', async () => {
  const { onSend, field } = show({ busy: true });
  await fireEvent.click(screen.getByTestId('busy-interrupt'));
  await fireEvent.input(field, { target: { value: 'stop that' } });
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).toHaveBeenLastCalledWith('stop that', 'interrupt');
  // The next one waits again: interrupting is never left switched on.
  await fireEvent.input(field, { target: { value: 'and then' } });
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).toHaveBeenLastCalledWith('and then', 'enqueue');
});

test('WEB-62 while nothing runs there is nothing to choose', () => {
  show();
  expect(screen.queryByTestId('busy-choice')).toBeNull();
});

test('WEB-63 a run in hand can be stopped, with a line', async () => {
  const { onStop } = show({ busy: true, stoppable: true });
  await fireEvent.click(screen.getByTestId('cancel'));
  expect(onStop).toHaveBeenCalledOnce();
});

test('WEB-64 without a line one can write all the same', async () => {
  const { onSend, field } = show({ connected: false, busy: true, stoppable: true });
  expect((screen.getByTestId('cancel') as HTMLButtonElement).disabled).toBe(true);
  await fireEvent.input(field, { target: { value: 'later' } });
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).toHaveBeenCalledOnce();
});
