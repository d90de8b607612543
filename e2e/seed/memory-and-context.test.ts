import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores } from '../wire/support/site.ts';
import { contextOf, cutOff, fillSession } from './support/conversation.ts';
import { printFigures, shareKept } from './support/figures.ts';

const STEPS = ['gather', 'outline', 'draft', 'review', 'publish'];

describeStores('seed 003, test case 2', { AGENT: 'demo' }, (site) => {
  test('test_reconnection_preserves_agent_memory_and_context', async () => {
    await using first = await WireClient.connect(site.url);
    await fillSession(first);
    await first.say('plan the harvest festival');
    await first.next('step_started', ({ step }) => step.index === 4);
    const working = await contextOf(first);
    await cutOff(first, site.url);

    // Cut while step 4 was at work. The workflow goes on, as far as it can without the person: it stays in step 4.
    await using second = await WireClient.resume(site.url, first);
    const { context: midway } = second.restored!;
    expect(midway.workflow).toMatchObject({ step: 4, total_steps: 5, pending: STEPS.slice(3) });
    expect(midway.workflow?.completed).toEqual(working.workflow?.completed);
    expect(midway.workflow?.completed.map(({ name }) => name)).toEqual(STEPS.slice(0, 3));
    expect(midway.memory).toEqual(working.memory);
    expect(midway.preferences).toEqual(working.preferences);
    // The call that was open may have its result by now; those before are as they were.
    const calls = working.tool_calls.filter((call) => call.result !== undefined);
    expect(midway.tool_calls.slice(0, calls.length)).toEqual(calls);

    await second.find(
      ({ type }) => type === 'input_requested' || second.restored?.run?.state === 'waiting_input',
    );
    const original = await contextOf(second);
    await cutOff(second, site.url);

    // Cut while step 4 waited for the person: nothing moves meanwhile, everything is equal.
    await using third = await WireClient.connect(site.url, { session_token: second.token });
    const restored = third.restored!;
    const aspects = {
      memory: isDeepStrictEqual(restored.context.memory, original.memory),
      preferences: isDeepStrictEqual(restored.context.preferences, original.preferences),
      step: restored.context.workflow?.step === 4,
      workflow: isDeepStrictEqual(restored.context.workflow, original.workflow),
      pending: isDeepStrictEqual(restored.context.workflow?.pending, STEPS.slice(3)),
      'tool calls': isDeepStrictEqual(restored.context.tool_calls, original.tool_calls),
    };
    printFigures('test_reconnection_preserves_agent_memory_and_context', site.kind, {
      variables: Object.keys(original.memory).length,
      step: `${restored.context.workflow?.step} of ${restored.context.workflow?.total_steps}`,
      'pending steps': restored.context.workflow?.pending.join(' '),
      'tool calls': restored.context.tool_calls.length,
      preserved: shareKept(aspects),
    });
    expect(restored.context).toEqual(original);
    expect(shareKept(aspects)).toBe(1);
    expect(restored.context.memory).toMatchObject({ city: 'Lisbon' });
    expect(restored.context.preferences).toMatchObject({ units: 'metric', theme: 'dark' });

    // It can go on from there: the person answers, and the last two steps are done.
    expect(restored.run).toMatchObject({ state: 'waiting_input', pending_inputs: [{ kind: 'approval' }] });
    const { request_id } = restored.run!.pending_inputs[0]!;
    await third.request('input_respond', { responses: [{ request_id, approved: true }] });
    expect(await third.runFinished()).toMatchObject({ outcome: 'completed' });
    const done = await contextOf(third);
    expect(done.workflow).toMatchObject({ pending: [], status: 'completed' });
    expect(done.workflow?.completed.map(({ name }) => name)).toEqual(STEPS);
    // What was done before the cuts was not done again.
    expect(done.workflow?.completed.slice(0, 3)).toEqual(working.workflow?.completed);
    expect(done.tool_calls.slice(0, original.tool_calls.length)).toEqual(original.tool_calls);
    expect(done.tool_calls).toHaveLength(original.tool_calls.length + 1);
    await cutOff(third, site.url);
  });
});
