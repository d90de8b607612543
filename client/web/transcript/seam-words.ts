import type { Seam } from '../../sdk/index.ts';
import { count, duration } from '../format/duration.ts';

/** The line of a seam: `away 2 min 14 s`, `everything restored`, `the plan reached step 4`. */
export function seamParts(seams: readonly Seam[]): readonly string[] {
  const awayMs = seams.reduce((sum, seam) => sum + seam.awayMs, 0);
  const away =
    seams.length === 1 ? `away ${duration(awayMs)}` : `${seams.length} cuts, away ${duration(awayMs)} in all`;
  const reread = seams.some((seam) => seam.outcome === 'reset');
  const kept = reread ? 'read anew from the server' : 'everything restored';
  const happened = meanwhile(seams);
  return happened === null ? [away, kept] : [away, kept, happened];
}

/** The most telling thing that happened while nobody listened; `null`: nothing. */
function meanwhile(seams: readonly Seam[]): string | null {
  const sum = (pick: (seam: Seam) => number) => seams.reduce((n, seam) => n + pick(seam), 0);
  // A snapshot tells of the newest step even when nothing was missed.
  const lastStep =
    seams.findLast(({ meanwhile: m }) => m.events > 0 && m.lastStep !== null)?.meanwhile.lastStep ?? null;
  const messages = sum((seam) => seam.meanwhile.messages);
  const finished = sum((seam) => seam.meanwhile.runsFinished);
  if (finished > 0) return finished === 1 ? 'an answer was finished' : `${finished} answers were finished`;
  if (lastStep !== null) return `the plan reached step ${lastStep.step}`;
  if (messages > 0) return count(messages, 'message came', 'messages came');
  return null;
}

/** What one cut was, fact by fact. */
export function seamFacts(seam: Seam, time: (at: number) => string): readonly (readonly [string, string])[] {
  const m = seam.meanwhile;
  const counted = [
    m.messages > 0 ? count(m.messages, 'message') : '',
    m.runsFinished > 0 ? `${count(m.runsFinished, 'answer')} finished` : '',
    m.toolCalls > 0 ? count(m.toolCalls, 'tool call') : '',
    m.lastStep === null || m.events === 0
      ? ''
      : `step ${m.lastStep.step} of ${m.lastStep.total}: ${m.lastStep.name}`,
  ].filter((fact) => fact !== '');
  return [
    ['Line cut', time(seam.lostAt)],
    ['Line back', time(seam.restoredAt)],
    ['This page away', duration(seam.awayMs)],
    [
      'Nobody there',
      seam.disconnectedMs === 0 ? 'never: another device stayed' : duration(seam.disconnectedMs),
    ],
    ['Tier', seam.tier],
    ['Caught up', caughtUp(seam)],
    ['Meanwhile', counted.length === 0 ? 'nothing happened' : counted.join(', ')],
  ];
}

function caughtUp({ mode, meanwhile: { events } }: Seam): string {
  if (mode === 'snapshot') return 'by a snapshot';
  return events === 0 ? 'nothing was missed' : `${count(events, 'event')} replayed in order`;
}
