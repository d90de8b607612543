import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { AppendRequest } from '../store.ts';
import { createRequest, event, lease, POLICY, T0 } from '../../../test-helpers/store-contract/fixtures.ts';
import { append } from './append.ts';
import { appendChunk, chunks } from './chunks.ts';
import { create } from './create.ts';
import { erase, expire } from './ending.ts';
import { history } from './history.ts';
import { due, list } from './list.ts';
import { open } from './open.ts';
import { detach, touch } from './presence.ts';
import { migrate } from './schema.ts';
import { Sql } from './sql.ts';

/** Notes every statement that passes. */
class RecordingSql extends Sql {
  readonly texts = new Set<string>();

  override get<Row>(
    text: string,
    ...values: Parameters<Sql['run']> extends [string, ...infer V] ? V : never
  ) {
    this.texts.add(text);
    return super.get<Row>(text, ...values);
  }

  override all<Row>(
    text: string,
    ...values: Parameters<Sql['run']> extends [string, ...infer V] ? V : never
  ) {
    this.texts.add(text);
    return super.all<Row>(text, ...values);
  }

  override run(text: string, ...values: Parameters<Sql['run']> extends [string, ...infer V] ? V : never) {
    this.texts.add(text);
    return super.run(text, ...values);
  }
}

test('STO-148 no operation reads a whole table or sorts: its cost follows the answer, not the store', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  const sql = new RecordingSql(db);
  const attach = { nodeId: 'node-a', connectionId: 'con-1' };
  const request = createRequest({ sessionId: 's', attach, maxSessions: 5 });
  create(sql, request);
  const base: AppendRequest = {
    sessionId: 's',
    nodeId: 'node-a',
    now: T0,
    epoch: request.epoch,
    expectedSeq: 0,
    expectedTag: undefined,
    events: [event(1, 'user')],
    cells: { memory: '{}' },
    ids: [{ id: 'client-id-1', digest: 'd', seq: 1 }],
    annotations: [{ seq: 1, json: '{}' }],
    dropChunks: undefined,
    lease: { set: lease() },
    holdUntil: undefined,
    alarmAt: 5,
    lastMessage: undefined,
    titleIfNone: undefined,
  };
  expect(append(sql, base).kind).toBe('applied');
  expect(append(sql, { ...base, events: [event(1)] }).kind).toBe('conflict');
  const chunk = { ...base, fence: lease(), messageId: 'm', messageAttempt: 1, index: 0, json: '1' };
  for (const index of [0, 0, 1])
    expect(appendChunk(sql, { ...chunk, index, json: `${index}` }).kind).toBe('applied');
  const dropChunks = { messageId: 'm', attempt: 1, count: 2 };
  expect(append(sql, { ...base, expectedSeq: 1, ids: [], dropChunks }).kind).toBe('applied');
  const opening = {
    scope: undefined,
    maxReplay: 10,
    historyPage: 10,
    maxBytes: 1000,
    partial: undefined,
    ignoreExpiry: false,
  };
  for (const position of [
    undefined,
    { epoch: request.epoch, seq: 1, tag: 'x' },
    { epoch: request.epoch, seq: 0 },
  ]) {
    const attaching = { ...attach, policy: { ...POLICY, briefMs: 1 } };
    expect(open(sql, { ...opening, sessionId: 's', position, attach: attaching, now: T0 }).kind).toBe('open');
  }
  for (let i = 0; i < 20; i++) {
    const more = { nodeId: 'node-a', connectionId: `con-${i}`, policy: POLICY };
    open(sql, { ...opening, sessionId: 's', position: undefined, attach: more, now: T0 });
    touch(sql, 'node-a', [{ sessionId: 's', connectionIds: [`con-${i}`] }], T0 + 1);
    detach(sql, 's', `con-${i}`, T0 + i);
  }
  chunks(sql, 's', 0);
  history(sql, { sessionId: 's', beforeSeq: 5, limit: 3, maxBytes: 1000, roles: undefined });
  list(sql, { subject: request.subject, limit: 3, cursor: undefined });
  due(sql, T0, 3);
  expire(sql, { sessionId: 's', successorId: 't', archiveUntil: 0, force: true, now: T0 });
  erase(sql, 's');

  expect(sql.texts.size).toBeGreaterThan(30);
  for (const text of sql.texts) {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${text}`).all();
    for (const { detail } of plan) expect(detail, text).not.toMatch(/^SCAN|TEMP B-TREE/);
  }
});
