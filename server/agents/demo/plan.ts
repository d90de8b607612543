import type { Json } from '../../../protocol/json.ts';
import { RunCanceled, type RunContext } from '../../run/agent-port.ts';
import { say } from './say.ts';

export const STEPS = ['gather', 'outline', 'draft', 'review', 'publish'] as const;

/** How long a step takes: part of it in its tool. */
const TOOL_MS = 350;
const THOUGHT_MS = 150;

interface Sources extends Record<string, Json> {
  topic: string;
  sources: string[];
}
interface Outline extends Record<string, Json> {
  title: string;
  sections: string[];
}
interface Draft extends Record<string, Json> {
  title: string;
  text: string;
  words: number;
}
interface Review extends Record<string, Json> {
  title: string;
  words: number;
  remarks: number;
  approved: boolean;
}
interface Published extends Record<string, Json> {
  title: string;
  path: string;
  words: number;
}

/** Writes something about a topic, in five steps, each of which builds on what the one before found; asks before it publishes. */
export async function plan(ctx: RunContext, topic: string): Promise<void> {
  const subject = topic.replace(/\s+/g, ' ').slice(0, 200).trimEnd();
  const workflow = ctx.workflow('plan', STEPS);
  const sources = await workflow.step('gather', () => gather(ctx, subject));
  const outline = await workflow.step('outline', () => makeOutline(ctx, sources));
  const draft = await workflow.step('draft', () => makeDraft(ctx, outline));
  const review = await workflow.step('review', async () => {
    const seen = await proofread(ctx, draft);
    const { approved } = await ctx.ask({
      kind: 'approval',
      prompt: `Publish "${draft.title}"?`,
      arguments: { title: draft.title, words: draft.words, remarks: seen.remarks },
    });
    if (approved !== true) {
      await workflow.cancel();
      throw new RunCanceled('declined');
    }
    return { ...seen, approved };
  });
  const published = await workflow.step('publish', () => publish(ctx, review));
  const made = `${outline.sections.length} sections, ${published.words} words`;
  await say(ctx, `Published "${published.title}" at ${published.path}: ${made}.`);
}

async function gather(ctx: RunContext, topic: string): Promise<Sources> {
  const sources = await work(ctx, 'search', { topic }, () =>
    ['History', 'Practice', 'Outlook'].map((aspect) => `${aspect} of ${topic}`),
  );
  return { topic, sources };
}

function makeOutline(ctx: RunContext, { topic, sources }: Sources): Promise<Outline> {
  return work(ctx, 'arrange', { topic, sources }, () => ({
    title: `On ${topic}`,
    sections: sources.map((source, i) => `${i + 1}. ${source}`),
  }));
}

function makeDraft(ctx: RunContext, { title, sections }: Outline): Promise<Draft> {
  return work(ctx, 'write', { title, sections }, () => {
    const text = sections.map((section) => `${section}. There is much to say about it.`).join('\n');
    return { title, text, words: text.split(/\s+/).length };
  });
}

function proofread(ctx: RunContext, { title, text, words }: Draft) {
  return work(ctx, 'proofread', { title, text }, () => ({
    title,
    words,
    remarks: text.split('\n').filter((line) => line.length > 120).length,
  }));
}

function publish(ctx: RunContext, { title, words, approved }: Review): Promise<Published> {
  const name = title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
  // It publishes under a path of its own run: a second time makes no second thing.
  return work(ctx, 'publish', { title, approved, key: ctx.runId }, () => ({
    title,
    words,
    path: `/published/${name}`,
  }));
}

/** One step's work: a tool that takes its time, and some thought after it. */
async function work<T extends Json>(ctx: RunContext, name: string, args: Json, result: () => T): Promise<T> {
  const value = await ctx.tool({
    name,
    arguments: args,
    repeatable: true,
    call: async () => {
      await ctx.sleep(TOOL_MS);
      return result();
    },
  });
  await ctx.sleep(THOUGHT_MS);
  return value;
}
