import type { Json, JsonObject } from '../../../protocol/json.ts';
import { ContextRefused, type RunContext } from '../../run/agent-port.ts';
import { say } from './say.ts';

export async function remember(ctx: RunContext, key: string, value: string): Promise<void> {
  const done = await patched(ctx, { memory: { [key]: value } });
  await say(ctx, done ? `Remembered ${key} = ${value}.` : 'I cannot remember that: my memory is full.');
}

export async function prefer(ctx: RunContext, key: string, value: string): Promise<void> {
  const done = await patched(ctx, { preferences: { [key]: value } });
  await say(ctx, done ? `Preference ${key} = ${value}.` : 'I cannot keep that: there is no room for it.');
}

export async function recall(ctx: RunContext, key: string): Promise<void> {
  const value = find(ctx.memory, key);
  await say(ctx, value === undefined ? `I know no ${key}.` : `${key} is ${textOf(value)}.`);
}

async function patched(
  ctx: RunContext,
  patch: { readonly memory?: JsonObject; readonly preferences?: JsonObject },
): Promise<boolean> {
  try {
    await ctx.patch(patch);
    return true;
  } catch (error) {
    if (error instanceof ContextRefused) return false;
    throw error;
  }
}

/** The variable of that name, or of one that differs in case only. */
function find(memory: JsonObject, key: string): undefined | Json {
  if (Object.hasOwn(memory, key)) return memory[key];
  const like = Object.keys(memory).find((known) => known.toLowerCase() === key.toLowerCase());
  return like === undefined ? undefined : memory[like];
}

/** Others than this agent may have set it to something that is no text. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
