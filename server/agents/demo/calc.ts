import { type RunContext, ToolError } from '../../run/agent-port.ts';
import { BadExpression, calculate, formatNumber, MAX_EXPRESSION } from './calculator.ts';
import { say } from './say.ts';

/** Calls the calculator and tells what it said. */
export async function calc(ctx: RunContext, expression: string): Promise<void> {
  await say(ctx, await answer(ctx, expression));
}

async function answer(ctx: RunContext, expression: string): Promise<string> {
  try {
    const { result } = await ctx.tool({
      name: 'calculator',
      // Long enough to be told that it is too long.
      arguments: { expression: expression.slice(0, MAX_EXPRESSION + 1) },
      repeatable: true,
      call: async () => ({ result: formatNumber(value(expression)) }),
    });
    return `${expression} = ${result}`;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const what = expression.length > MAX_EXPRESSION ? 'that' : expression;
    return `Sorry, I cannot calculate ${what}: ${error.message}.`;
  }
}

function value(expression: string): number {
  try {
    return calculate(expression);
  } catch (error) {
    if (error instanceof BadExpression) throw new ToolError(error.code, error.message);
    throw error;
  }
}
