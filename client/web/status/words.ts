import type { ClientState, Conversation } from '../../sdk/index.ts';
import { count, countdown, duration } from '../format/duration.ts';
import { errorWords, NEW_THREAD_HINT } from '../format/error-words.ts';
import { refusalOf } from '../state/refusal.ts';

/** What the status line says by its colour: nothing special, under way, it is the person's turn, broken. */
export type Tone = 'calm' | 'busy' | 'wait' | 'bad';

/** The four words of the line that people and tests know. */
export type LineStatus = 'Connecting' | 'Connected' | 'Reconnecting' | 'Disconnected';

/** One of the three states: a word, a little more, and how the bead looks. */
export interface Bead {
  readonly word: string;
  readonly detail: string;
  readonly tone: Tone;
}

export interface Instrument {
  readonly line: Bead & { readonly status: LineStatus; readonly authenticated: boolean };
  readonly session: Bead;
  readonly agent: Bead;
}

/** What a person can do about it, besides waiting. */
export type StatusAction = 'retry_now' | 'connect' | 'reload' | 'new_thread' | 'show_request' | 'show_unsent';

/** The one sentence that says what is going on. `lead` and `tail` do not change while `wait` counts down. */
export interface Sentence {
  readonly lead: string;
  /** What is being waited for; counts down. */
  readonly wait: string | null;
  readonly tail: string;
  readonly tone: Tone;
  readonly action: StatusAction | null;
  /** Whether it tells of something that went wrong. */
  readonly error: boolean;
}

export interface StatusInput {
  readonly state: ClientState;
  readonly conversation: Conversation;
  /** When the line was cut, if it is. */
  readonly cutSince: number | null;
  /** What the browser says of its network. */
  readonly online: boolean;
  readonly now: number;
}

export const ACTION_LABELS: Record<StatusAction, string> = {
  retry_now: 'Try now',
  connect: 'Connect',
  reload: 'Reload the page',
  new_thread: 'Start a new thread',
  show_request: 'Show it',
  show_unsent: 'Show it',
};

export function lineStatus(state: ClientState): LineStatus {
  switch (state.name) {
    case 'connecting':
    case 'authenticating':
      return state.line.attempt === 0 ? 'Connecting' : 'Reconnecting';
    case 'restoring':
    case 'connected':
      return 'Connected';
    case 'waiting':
      return 'Reconnecting';
    case 'idle':
    case 'refused':
    case 'closing':
    case 'closed':
    case 'failed':
      return 'Disconnected';
  }
}

/** Whether the server knows who we are, on the socket of now. */
export function isAuthenticated(state: ClientState): boolean {
  return state.name === 'restoring' || state.name === 'connected';
}

export function instrument(input: StatusInput): Instrument {
  return { line: lineBead(input.state), session: sessionBead(input), agent: agentBead(input) };
}

function lineBead(state: ClientState): Instrument['line'] {
  const status = lineStatus(state);
  const authenticated = isAuthenticated(state);
  const tone = { Connecting: 'busy', Connected: 'calm', Reconnecting: 'wait', Disconnected: 'bad' } as const;
  const detail = authenticated ? 'Authenticated' : 'Not Authenticated';
  // Nobody asked for a line: that is no trouble.
  const wanted = state.name !== 'idle' && !(state.name === 'closed' && state.by === 'client');
  return { word: status, detail, tone: wanted ? tone[status] : 'calm', status, authenticated };
}

/** The thread was removed for good, from here or from another device. */
export function isErased(state: ClientState): boolean {
  return state.name === 'closed' && state.reason === 'erased';
}

function sessionBead({ state, conversation: { session }, cutSince, now }: StatusInput): Bead {
  if (isErased(state)) return { word: 'Erased', detail: 'nothing is left', tone: 'bad' };
  if (session === null && state.name === 'refused' && refusalOf(state.error) === 'thread')
    return { word: 'Not found', detail: 'begin a new one', tone: 'bad' };
  if (session === null) return { word: 'None yet', detail: 'opens with the line', tone: 'busy' };
  if (state.name === 'restoring') return { word: 'Catching up', detail: 'what was missed', tone: 'busy' };
  if (cutSince !== null && !isAuthenticated(state)) {
    if (session.expiresInMs === null) return { word: 'Kept', detail: 'by the server', tone: 'calm' };
    const left = session.expiresInMs - (now - cutSince);
    if (left > 0)
      return { word: 'Kept', detail: `${countdown(left)} left`, tone: left < 60_000 ? 'wait' : 'calm' };
    return { word: 'May be over', detail: 'the text stays', tone: 'wait' };
  }
  if (session.outcome === 'expired') return { word: 'New', detail: 'the last one expired', tone: 'calm' };
  if (session.outcome === 'reset') return { word: 'Reread', detail: 'from the server', tone: 'calm' };
  const outlives = session.expiresInMs;
  return {
    word: 'Kept',
    detail: outlives === null ? 'by the server' : `${duration(outlives)} if cut`,
    tone: 'calm',
  };
}

function agentBead({ state, conversation: c }: StatusInput): Bead {
  if (isErased(state)) return { word: 'Gone', detail: 'with the thread', tone: 'calm' };
  if (c.session === null) return { word: 'Not seen', detail: 'needs the line', tone: 'calm' };
  const bead = agentAsSeen(c);
  if (isAuthenticated(state)) return bead;
  // A run outlives the line: it may be far ahead of what this page saw.
  // One that waits for the person does not.
  return c.run === null || c.run.state === 'waiting_input'
    ? { ...bead, detail: 'as last seen' }
    : { ...bead, detail: 'goes on unseen', tone: 'calm' };
}

function agentAsSeen(c: Conversation): Bead {
  const { run, queuedRuns } = c;
  const steps = c.workflow !== null && c.workflow.workflow_id === run?.runId ? c.workflow : null;
  const step = steps === null ? '' : `step ${steps.step} of ${steps.total_steps}`;
  const queue = queuedRuns.length === 0 ? '' : `${queuedRuns.length} waiting`;
  if (run === null) {
    if (queuedRuns.length > 0) return { word: 'Queued', detail: queue, tone: 'busy' };
    const agents = Object.values(c.agents);
    const gone = agents.length > 0 && agents.every((status) => status === 'offline' || status === 'lost');
    return gone
      ? { word: 'Away', detail: 'messages wait', tone: 'wait' }
      : { word: 'Ready', detail: 'listens', tone: 'calm' };
  }
  switch (run.state) {
    case 'queued':
      return { word: 'Queued', detail: queue || 'begins soon', tone: 'busy' };
    case 'running':
      if (c.streaming !== null)
        return { word: 'Writing', detail: step || queue || 'an answer', tone: 'busy' };
      return { word: 'Working', detail: step || queue || 'on an answer', tone: 'busy' };
    case 'waiting_input':
      return { word: 'Asks you', detail: step || 'your answer', tone: 'wait' };
    case 'recovering':
      return { word: 'Recovering', detail: 'is replaced', tone: 'wait' };
    case 'finished':
      return { word: 'Ready', detail: 'listens', tone: 'calm' };
  }
}

/** The most important thing that is going on, in one sentence. */
export function sentence(input: StatusInput): Sentence {
  const { state, conversation: c } = input;
  switch (state.name) {
    case 'refused':
    case 'failed': {
      const { what, hint } = errorWords(state.error);
      return say(what, {
        // The button says it.
        tail: hint === `${ACTION_LABELS.reload}.` || hint === NEW_THREAD_HINT ? '' : hint,
        tone: 'bad',
        action: state.name === 'failed' ? 'reload' : null,
        error: true,
      });
    }
    case 'closed':
    case 'closing':
      if (isErased(state)) return say('This thread was erased.', { tone: 'bad', action: 'new_thread' });
      return say('You are disconnected.', { tail: 'What was said is kept.', tone: 'bad', action: 'connect' });
    case 'waiting':
      return waiting(state, input);
    case 'idle':
    case 'connecting':
    case 'authenticating':
      if (state.line.attempt === 0) return say('Connecting to the server.', { tone: 'busy' });
      return say('Connection lost.', {
        wait: 'Trying again now.',
        tail: unsent(input),
        tone: 'wait',
        error: true,
      });
    case 'restoring':
      return say('The line is back.', { tail: 'Catching up with what was missed.', tone: 'busy' });
    case 'connected':
      if (state.returnAt !== undefined)
        return say('The server restarts in a moment.', {
          tail: 'The line comes back by itself.',
          tone: 'wait',
        });
      return connected(c);
  }
}

function waiting(state: Extract<ClientState, { name: 'waiting' }>, input: StatusInput): Sentence {
  const { conversation: c, online, now } = input;
  const wait = `Trying again in ${countdown(state.retryAt - now)}.`;
  switch (state.why) {
    case 'rate_limited':
      return say('Too much at once.', {
        wait: `The server lets us back in ${countdown(state.retryAt - now)}.`,
        tail: unsent(input),
        tone: 'wait',
        error: true,
      });
    case 'server_closing':
      return say('The server restarts.', { wait, tail: unsent(input), tone: 'wait', action: 'retry_now' });
    case 'backoff': {
      const lead = !online
        ? 'You are offline.'
        : c.session === null
          ? 'The server is out of reach.'
          : 'Connection lost.';
      return say(lead, { wait, tail: unsent(input), tone: 'wait', action: 'retry_now', error: true });
    }
  }
}

function unsent({ conversation: c, cutSince, now }: StatusInput): string {
  const life = c.session?.expiresInMs ?? null;
  // What would be gone then is not small: the memory, and what was running.
  if (cutSince !== null && life !== null && now - cutSince > life)
    return 'The session may be over by now; what was said stays readable.';
  const waits = c.outgoing.filter((m) => m.delivery === 'queued' || m.delivery === 'sending').length;
  if (waits === 0) return 'Nothing is lost.';
  return `${count(waits, 'message waits', 'messages wait')} here; nothing is lost.`;
}

function connected(c: Conversation): Sentence {
  const asks = c.inputs.some((input) => input.resolved === null);
  if (asks) return say('The agent waits for your decision.', { tone: 'wait', action: 'show_request' });
  const unsure = c.outgoing.filter((m) => m.delivery === 'unconfirmed' || m.delivery === 'failed').length;
  if (unsure > 0)
    return say(`${count(unsure, 'message needs', 'messages need')} your decision.`, {
      tone: 'wait',
      action: 'show_unsent',
    });
  if (c.run?.state === 'recovering')
    return say('The agent died; another one takes over.', {
      tail: 'Finished steps are not run again.',
      tone: 'wait',
    });
  if (agentAsSeen(c).word === 'Away')
    return say('No agent is there right now.', { tail: 'What you write waits for one.', tone: 'wait' });
  if (c.run !== null) return say(runSentence(c), { tone: 'busy' });
  if (c.session?.outcome === 'expired' && c.messages.length === 0)
    return say('The session had expired; a clean one has begun.', {});
  if (c.messages.length === 0 && c.previous === null) return say('Nothing has been said yet.', {});
  return say('Everything said is stored.', {});
}

function runSentence(c: Conversation): string {
  const steps = c.workflow;
  if (steps !== null && steps.workflow_id === c.run?.runId) {
    const name = steps.pending[0];
    return name === undefined
      ? 'The plan is done; the answer comes.'
      : `Step ${steps.step} of ${steps.total_steps}: ${name}.`;
  }
  if (c.streaming !== null) return 'The answer is being written.';
  return c.run?.state === 'queued' ? 'Your message waits for its turn.' : 'The agent works on an answer.';
}

function say(lead: string, more: Partial<Omit<Sentence, 'lead'>>): Sentence {
  return { lead, wait: null, tail: '', tone: 'calm', action: null, error: false, ...more };
}
