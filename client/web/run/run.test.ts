import { fireEvent, render, screen } from '@testing-library/svelte';
import type { Json } from '../../../protocol/json.ts';
import { readable } from '../format/text.ts';
import { expect, test, vi } from 'vitest';
import * as f from '../testing/fixtures.ts';
import InputCard from './InputCard.svelte';
import { resolutionWords } from './input-words.ts';
import StepTrack from './StepTrack.svelte';
import { stepsOf } from './steps.ts';
import ToolCall from './ToolCall.svelte';

function card(more: object = {}, input = f.input()) {
  const onRespond = vi.fn(async () => {});
  render(InputCard, { input, connected: true, now: f.NOON, here: false, onRespond, ...more });
  return onRespond;
}

const answered = (more: object) => ({
  resolution: 'answered' as const,
  approved: true,
  value: null,
  by: 'ada',
  ts: '',
  ...more,
});

test('WEB-70 an approval says exactly what will happen, and asks', async () => {
  const onRespond = card();
  expect(screen.getByTestId('input-card').textContent).toContain(
    'Publish the plan “kitchen garden” to the shared board?',
  );
  expect(screen.getByTestId('input-arguments').textContent?.replace(/\s+/g, ' ')).toContain('boardshared');
  await fireEvent.click(screen.getByTestId('decline'));
  expect(onRespond).toHaveBeenCalledExactlyOnceWith('i-1', { approved: false });
});

test('WEB-70 hidden characters in what is to be approved are spelled out', () => {
  card({}, f.input({ prompt: 'Delete report\u202Efdp.exe?', arguments: { path: 'a\u200Bb' } }));
  expect(screen.getByTestId('input-card').textContent).toContain('report⟨U+202E⟩fdp.exe');
  expect(screen.getByTestId('input-card').textContent).toContain('a⟨U+200B⟩b');
});

test('WEB-70 what is asked for is text: nothing in it becomes markup', () => {
  card({}, f.input({ prompt: '<img src=x onerror=alert(1)>', arguments: { html: { deep: '<script>' } } }));
  expect(
    document.querySelector('[data-testid="input-card"] img, [data-testid="input-card"] script'),
  ).toBeNull();
});

test('WEB-71 without a line nobody can decide', () => {
  card({ connected: false });
  expect((screen.getByTestId('approve') as HTMLButtonElement).disabled).toBe(true);
  expect(screen.getByTestId('input-card').textContent).toContain('You can decide when the line is back.');
});

test('WEB-71 how long it stays open', () => {
  card({}, f.input({ expiresAt: f.iso(f.NOON + 65_000) }));
  expect(screen.getByTestId('input-card').textContent).toContain('Open for another 1 min 5 s');
});

test('WEB-72 a question takes a text', async () => {
  const onRespond = card({}, f.input({ kind: 'question', prompt: 'Which bed?', arguments: null }));
  await fireEvent.input(screen.getByTestId('answer-field'), { target: { value: ' the north one ' } });
  await fireEvent.click(screen.getByTestId('answer-send'));
  expect(onRespond).toHaveBeenCalledExactlyOnceWith('i-1', { value: 'the north one' });
});

test('WEB-73 on every device it says who answered, and where', () => {
  const of = (more: object, here = false) => resolutionWords(f.input({ resolved: answered(more) }), here);
  expect(of({})).toBe('Approved by ada, on another device.');
  expect(of({}, true)).toBe('Approved by ada, on this device.');
  expect(of({ approved: false, by: null })).toBe('Declined, on another device.');
  expect(of({ approved: null, value: 'north' }, true)).toBe('Answered by ada, on this device: “north”.');
  expect(of({ resolution: 'expired', approved: null })).toBe('Nobody decided in time.');
  expect(of({ resolution: 'canceled', approved: null })).toBe('Called off before anybody decided.');
});

test('WEB-74 steps are done, in hand, waiting for the person, or to come', () => {
  const states = (workflow: ReturnType<typeof f.plan>, working = true) =>
    stepsOf(workflow, working).map((step) => step.state);
  expect(states(f.plan(3))).toEqual(['done', 'done', 'running', 'coming', 'coming']);
  expect(states(f.plan(4, { status: 'waiting_input' }))).toEqual([
    'done',
    'done',
    'done',
    'waiting',
    'coming',
  ]);
  expect(states(f.plan(2, { status: 'failed' }), false)).toEqual([
    'done',
    'failed',
    'coming',
    'coming',
    'coming',
  ]);
  expect(states(f.plan(2), false)).toEqual(['done', 'canceled', 'coming', 'coming', 'coming']);
  expect(states(f.plan(6, { status: 'completed', pending: [] }), false)).toEqual(Array(5).fill('done'));
});

test('WEB-74 the step in hand is marked for those who do not see it', () => {
  render(StepTrack, { workflow: f.plan(4, { status: 'waiting_input' }), working: true });
  const current = document.querySelectorAll('[aria-current="step"]');
  expect(current).toHaveLength(1);
  expect(current[0]?.textContent).toContain('waiting for you');
});

test.each([
  [{ result: 84 }, 'done', '84'],
  [{ error: { code: 'bad_expression', message: 'cannot read that' } }, 'failed', 'cannot read that'],
  [{}, 'running', 'running'],
])('WEB-75 a tool call shows how it stands: %o', (more, state, text) => {
  render(ToolCall, {
    call: { run_id: 'r', tool_call_id: 't', name: 'calculator', arguments: '12 * 7', ...more },
    working: true,
  });
  const call = screen.getByTestId('tool-call');
  expect(call.dataset.state).toBe(state);
  expect(call.textContent).toContain('calculator');
  expect(call.textContent).toContain(text);
});

test('WEB-29 a long result is cut, and more of it comes when somebody asks', async () => {
  const result = 'x'.repeat(1_048_576);
  render(ToolCall, {
    call: { run_id: 'r', tool_call_id: 't', name: 'download', arguments: {}, result },
    working: false,
  });
  const call = screen.getByTestId('tool-call');
  expect(call.textContent?.length).toBeLessThan(5_000);
  expect(screen.getByTestId('show-more').textContent).toContain('1044576 characters left');
  for (let asked = 0; asked < 3; asked++) await fireEvent.click(screen.getByTestId('show-more'));
  expect(screen.queryByTestId('show-more')).toBeNull();
  expect(call.textContent).toContain(result);
});

test('WEB-29 JSON of any size and depth is shown, and indented only while that does not make it huge', () => {
  const deep = (depth: number): Json => (depth === 0 ? Array<Json>(10_000).fill(1) : [deep(depth - 1)]);
  expect(readable(deep(60)).length).toBeLessThan(25_000);
  let bottomless: Json = [];
  for (let depth = 0; depth < 200_000; depth++) bottomless = [bottomless];
  expect(readable(bottomless)).toBe('(nested too deeply to be shown)');
});

test('WEB-70 WEB-29 what one decides on is there as a whole', () => {
  card({}, f.input({ arguments: { text: 'y'.repeat(65_000) } }));
  expect(screen.getByTestId('input-arguments').textContent).toContain('y'.repeat(65_000));
  expect(screen.queryByTestId('show-more')).toBeNull();
});
