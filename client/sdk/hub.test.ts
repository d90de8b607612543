import { describe, expect, it } from 'vitest';
import { EVENTS_BUFFERED, Hub } from './hub.ts';
import type { ClientEvent } from './types.ts';

const notice = (code: string): ClientEvent => ({ type: 'notice', level: 'info', code, message: '' });
const agent = (agentId: string): ClientEvent => ({ type: 'agent_status', agentId, status: 'online' });
const codeOf = (event: ClientEvent) => (event.type === 'notice' ? event.code : event.type);

async function take(stream: AsyncIterable<ClientEvent>, count: number): Promise<ClientEvent[]> {
  const taken: ClientEvent[] = [];
  for await (const event of stream) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

describe('subscribe', () => {
  it('CLI-20 tells in order, also what a listener causes', () => {
    const hub = new Hub();
    const heard: string[] = [];
    hub.subscribe((event) => {
      if (codeOf(event) === 'first') hub.emit(notice('second'));
    });
    hub.subscribe((event) => heard.push(codeOf(event)));
    hub.emit(notice('first'));
    expect(heard).toEqual(['first', 'second']);
  });

  it('CLI-20 the conversation is up to date when its change is told, and told only when it changed', () => {
    const hub = new Hub();
    const heard: string[] = [];
    hub.subscribe((event) => {
      heard.push(event.type);
      if (event.type === 'agent_status') expect(hub.conversation.agents).toEqual({ demo: 'online' });
      if (event.type === 'conversation') expect(event.conversation).toBe(hub.conversation);
    });
    hub.emit(agent('demo'));
    hub.emit(notice('x'));
    expect(heard).toEqual(['agent_status', 'conversation', 'notice']);
  });

  it('CLI-20 ends, each subscription by itself', () => {
    const hub = new Hub();
    let count = 0;
    const listener = () => {
      count++;
    };
    const end = hub.subscribe(listener);
    hub.subscribe(listener);
    hub.emit(notice('a'));
    end();
    end();
    hub.emit(notice('b'));
    expect(count).toBe(3);
  });
});

describe('events', () => {
  it('CLI-20 begins with the call, not with the first read', async () => {
    const hub = new Hub();
    const stream = hub.events(undefined);
    hub.emit(notice('a'));
    hub.emit(notice('b'));
    expect((await take(stream, 2)).map(codeOf)).toEqual(['a', 'b']);
  });

  it('CLI-20 says how many a slow reader missed, and goes on with the newest', async () => {
    const hub = new Hub();
    const stream = hub.events(undefined);
    for (let i = 0; i < EVENTS_BUFFERED + 7; i++) hub.emit(notice(String(i)));
    const [first, second] = await take(stream, 2);
    expect(first).toEqual({ type: 'lagged', dropped: 7 });
    expect(second && codeOf(second)).toBe('7');
  });

  it('CLI-20 ends with its signal', async () => {
    const hub = new Hub();
    const controller = new AbortController();
    const done = take(hub.events(controller.signal), 5);
    hub.emit(notice('a'));
    await Promise.resolve();
    controller.abort();
    expect((await done).length).toBeLessThanOrEqual(1);
  });
});

describe('waitFor', () => {
  it('CLI-20 resolves now, or when something makes it true', async () => {
    const hub = new Hub();
    await hub.waitFor(() => true, undefined);
    const waiting = hub.waitFor(() => 'demo' in hub.conversation.agents, undefined);
    hub.emit(agent('demo'));
    await waiting;
  });

  it('CLI-20 rejects with the reason of its signal, or what the predicate threw', async () => {
    const hub = new Hub();
    const controller = new AbortController();
    const waiting = hub.waitFor(() => false, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(hub.waitFor(() => false, controller.signal)).rejects.toThrow('enough');
    await expect(
      hub.waitFor(() => {
        throw new Error('wrong');
      }, undefined),
    ).rejects.toThrow('wrong');
  });
});
