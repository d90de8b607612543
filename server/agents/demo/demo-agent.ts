import type { Agent, RunContext } from '../../run/agent-port.ts';
import { calc } from './calc.ts';
import { type DemoCommand, parseCommand } from './command.ts';
import { count } from './count.ts';
import { plan } from './plan.ts';
import { say } from './say.ts';
import { prefer, recall, remember } from './variables.ts';

/** An agent that needs no network and no model, is deterministic but for its pace, and shows every part of the contract. */
export function createDemoAgent(): Agent {
  return { id: 'demo', run: (ctx) => answer(ctx, parseCommand(ctx.input.text)) };
}

function answer(ctx: RunContext, command: DemoCommand): Promise<void> {
  switch (command.kind) {
    case 'count':
      return count(ctx, command.to);
    case 'remember':
      return remember(ctx, command.key, command.value);
    case 'recall':
      return recall(ctx, command.key);
    case 'prefer':
      return prefer(ctx, command.key, command.value);
    case 'calc':
      return calc(ctx, command.expression);
    case 'plan':
      return plan(ctx, command.topic);
    case 'echo':
      return say(ctx, `Message ${ctx.input.ordinal}: "${command.text}"`);
  }
}
