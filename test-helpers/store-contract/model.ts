import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionInfo, Store } from '../../server/store/store.ts';
import { createRequest, event, NO_LIMIT, POLICY, sorted, T0, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';
import { type Command, commands, IDS, NODES } from './model-commands.ts';
import { ModelStore } from './model-store.ts';

const MESSAGES = ['answer-0', 'answer-1'];

/** Drops what the port leaves open: the order of attachments, and what of an ended session is not said to stay. */
function settled(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('info' in answer)) return answer;
  return { ...answer, info: settledInfo(answer.info as SessionInfo) };
}

function settledInfo(info: undefined | SessionInfo): unknown {
  if (info?.archived?.until === 0) return { sessionId: info.sessionId, archived: info.archived };
  if (info?.archived !== undefined) return { ...info, lastSeenAt: 0, holdUntil: 0 };
  return info && { ...info, attachments: sorted(info.attachments) };
}

/** Runs a sequence against the store and the model side by side. */
class Run {
  readonly #store: Store;
  readonly #model = new ModelStore();
  readonly #ids = [unique('ses'), unique('ses'), unique('ses')];
  readonly #connections = [unique('con'), unique('con'), unique('con')];
  readonly #subject = unique('sub');
  #now = T0;

  constructor(store: Store) {
    this.#store = store;
  }

  async step(command: Command): Promise<void> {
    this.#now += command.dt;
    const id = this.#ids[command.s]!;
    const [actual, expected] = await this.#both(command, id);
    expect(settled(actual), command.op).toEqual(settled(expected));
    // Whatever was answered, the record is the same afterwards.
    const info = settledInfo(await this.#store.info(id));
    expect(info, `record after ${command.op}`).toEqual(settledInfo(this.#model.info(id)));
  }

  /** Everything else that can be read, at the end. */
  async compare(): Promise<void> {
    const [store, model] = [this.#store, this.#model];
    for (const id of this.#ids) {
      const log = { sessionId: id, fromSeq: 1, limit: 1000, maxBytes: NO_LIMIT };
      expect(await store.read(log)).toEqual(model.read(log));
      const history = {
        sessionId: id,
        beforeSeq: undefined,
        limit: 1000,
        maxBytes: NO_LIMIT,
        roles: undefined,
      };
      expect(await store.history(history)).toEqual(model.history(history));
      expect(await store.chunks(id, 0)).toEqual(model.chunks(id, 0));
      expect(await store.lookupIds(id, IDS)).toEqual(model.lookupIds(id, IDS));
    }
    const { sessions } = await store.list({ subject: this.#subject, limit: 10, cursor: undefined });
    const byUse = (a: SessionInfo, b: SessionInfo) =>
      b.updatedAt - a.updatedAt || (a.sessionId < b.sessionId ? -1 : 1);
    expect(sessions.map((s) => s.updatedAt)).toEqual(model.list(this.#subject).map((s) => s.updatedAt));
    expect([...sessions].sort(byUse).map(settledInfo)).toEqual(
      model.list(this.#subject).sort(byUse).map(settledInfo),
    );
    // A new start may have left sessions of other tests due.
    const due = (await store.due(9, 100_000)).filter((id) => this.#ids.includes(id));
    expect(due.sort()).toEqual(model.due(9, 10).sort());
  }

  async clean(): Promise<void> {
    for (const id of this.#ids) await this.#store.erase(id);
  }

  async #both(command: Command, id: string): Promise<[unknown, unknown]> {
    const [store, model, now] = [this.#store, this.#model, this.#now];
    const session = model.sessions.get(id);
    const attach = (c: undefined | number) =>
      c === undefined ? undefined : { connectionId: this.#connections[c]!, nodeId: NODES[c % 2]! };
    switch (command.op) {
      case 'create': {
        const request = createRequest({
          sessionId: id,
          subject: this.#subject,
          attach: attach(command.attach),
          maxSessions: command.max,
          now,
        });
        return [await store.create(request), model.create(request)];
      }
      case 'open': {
        const back = command.position?.back ?? 0;
        const seq = Math.max(0, (session?.info.seq ?? 0) - back);
        const wrong = command.position?.wrong;
        const tag = wrong === 'tag' ? 'no-such-tag' : session?.log[seq - 1]?.tag;
        const epoch = wrong === 'epoch' || session === undefined ? 'no-such-epoch' : session.info.epoch;
        const at = attach(command.attach);
        const { partial } = command;
        const request = {
          sessionId: id,
          scope: undefined,
          position: command.position && (tag === undefined ? { epoch, seq } : { epoch, seq, tag }),
          maxReplay: command.maxReplay,
          historyPage: command.page,
          maxBytes: command.maxBytes,
          partial: partial && {
            messageId: MESSAGES[partial.m]!,
            attempt: partial.attempt,
            nextIndex: partial.next,
          },
          ignoreExpiry: command.ignoreExpiry,
          attach: at && { ...at, policy: { ...POLICY, mediumMs: command.mediumMs } },
          now,
        };
        return [await store.open(request), model.open(request)];
      }
      case 'append': {
        const seq = Math.max(0, (session?.info.seq ?? 0) + command.offset);
        const { annotate, drop, holdMs } = command;
        const request = {
          sessionId: id,
          nodeId: NODES[0]!,
          now,
          epoch: command.otherEpoch || session === undefined ? 'no-such-epoch' : session.info.epoch,
          expectedSeq: seq,
          expectedTag: command.tag === 'right' ? session?.log[seq - 1]?.tag : command.tag,
          events: command.roles.map((role, i) => event(seq + i + 1, role, { s: command.s })),
          cells: command.cells,
          ids: command.ids.map((i) => ({ id: IDS[i]!, digest: `${now}`, seq: seq + 1 })),
          annotations: annotate === undefined ? [] : [{ seq: seq + 1 - annotate, json: `{"now":${now}}` }],
          dropChunks: drop && {
            messageId: MESSAGES[drop.m]!,
            attempt: drop.attempt,
            count: Math.max(0, (session?.chunks?.chunks.length ?? 0) + drop.off),
          },
          lease: command.lease,
          holdUntil: holdMs && now + holdMs,
          alarmAt: command.alarmAt,
          lastMessage: command.roles.includes('user') ? `{"at":${now}}` : undefined,
          titleIfNone: command.roles.includes('assistant') ? `${now}` : undefined,
        };
        if (command.again) expect(await store.append(request)).toEqual(model.append(request));
        return [await store.append(request), model.append(request)];
      }
      case 'chunk': {
        const messageId = MESSAGES[command.m]!;
        const held = session?.chunks;
        const same = held?.messageId === messageId && held.attempt === command.attempt;
        const index = Math.max(0, (same ? held.chunks.length : 0) + command.off);
        const request = {
          sessionId: id,
          nodeId: NODES[0]!,
          fence: command.fence,
          messageId,
          messageAttempt: command.attempt,
          index,
          json: `{"index":${index}}`,
        };
        return [await store.appendChunk(request), model.appendChunk(request)];
      }
      case 'read': {
        const { from: fromSeq, limit, maxBytes } = command;
        const request = { sessionId: id, fromSeq, limit, maxBytes };
        return [await store.read(request), model.read(request)];
      }
      case 'history': {
        const request = {
          sessionId: id,
          beforeSeq: command.before,
          limit: command.limit,
          maxBytes: command.maxBytes,
          roles: command.roles,
        };
        return [await store.history(request), model.history(request)];
      }
      case 'touch': {
        const entries = [{ sessionId: id, connectionIds: [this.#connections[command.c]!] }];
        return [await store.touch(command.node, entries, now), model.touch(command.node, entries, now)];
      }
      case 'detach': {
        const connectionId = this.#connections[command.c]!;
        return [await store.detach(id, connectionId, now), model.detach(id, connectionId, now)];
      }
      case 'renew':
        return [await store.renewLease(id, command.lease), model.renewLease(id, command.lease)];
      case 'expire': {
        const archiveUntil = command.archiveMs === 0 ? 0 : now + command.archiveMs;
        const successorId = unique('ses');
        const request = { sessionId: id, successorId, archiveUntil, force: command.force, now };
        return [await store.expire(request), model.expire(request)];
      }
      case 'alarm':
        return [await store.setAlarm(id, command.alarmAt), model.setAlarm(id, command.alarmAt)];
      case 'title':
        return [await store.setTitle(id, `${now}`), model.setTitle(id, `${now}`)];
      case 'erase':
        return [await store.erase(id), model.erase(id)];
    }
  }
}

export function modelRules(suite: Suite): void {
  describe('model', () => {
    test('STO-130 any sequence of operations is answered as the model answers it', async () => {
      const property = fc.asyncProperty(commands, async (sequence) => {
        const run = new Run(suite.store());
        try {
          for (const command of sequence) await run.step(command);
          await run.compare();
        } finally {
          await run.clean();
        }
      });
      await fc.assert(property, { numRuns: 150 });
    }, 120_000);
  });
}
