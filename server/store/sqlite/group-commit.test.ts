import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { StoreUnavailable } from '../store.ts';
import { type FullDisk, GroupCommit, MAX_WAITING } from './group-commit.ts';
import { WalSync } from './wal-sync.ts';

function setUp(durable: (wrote: boolean) => undefined | Promise<void> = () => undefined, disk?: FullDisk) {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE t (x TEXT) STRICT');
  const insert = db.prepare('INSERT INTO t (x) VALUES (?)');
  const commits = new GroupCommit(db, durable, disk);
  return {
    db,
    commits,
    add: (x: string) => commits.write(() => insert.run(x).changes),
    rows: () =>
      db
        .prepare('SELECT x FROM t')
        .all()
        .map((row) => row.x),
  };
}

describe('group commit', () => {
  test('STO-36 operations of one turn share a commit and are answered in their order', async () => {
    const turns: boolean[] = [];
    const { commits, add, rows } = setUp((wrote) => {
      turns.push(wrote);
      return undefined;
    });
    const answered: string[] = [];
    await Promise.all([
      add('a').then(() => answered.push('a')),
      commits.read(() => rows().length).then((n) => answered.push(`saw ${n}`)),
      add('b').then(() => answered.push('b')),
    ]);
    expect(answered).toEqual(['a', 'saw 1', 'b']);
    await commits.read(() => 0);
    expect(turns).toEqual([true, false]);
  });

  test('STO-156 on a full disk what would grow is refused, beside what tidies up and what reads', async () => {
    const disk = { isFull: true, giveUp: () => false };
    const { db, commits, add, rows } = setUp(() => undefined, disk);
    const insert = db.prepare('INSERT INTO t (x) VALUES (?)');
    const outcomes = await Promise.allSettled([
      add('grows'),
      commits.tidy(() => insert.run('tidies').changes),
      commits.read(() => rows()),
      add('grows too'),
    ]);
    expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.name))).toEqual([
      'StoreUnavailable',
      1,
      ['tidies'],
      'StoreUnavailable',
    ]);
    disk.isFull = false;
    await add('grows');
    expect(rows()).toEqual(['tidies', 'grows']);
  });

  test('STO-156 what tidies up is tried again once, with the room that was kept for it', async () => {
    let isFull = false;
    let given = 0;
    const giveUp = () => {
      if (isFull) return false;
      isFull = true;
      given++;
      return true;
    };
    const disk = {
      get isFull() {
        return isFull;
      },
      giveUp,
    };
    const { commits, add } = setUp(() => undefined, disk);
    // What SQLite throws, with no disk that could be full.
    const full = Object.assign(new Error('database or disk is full'), { errcode: 13 });
    let tries = 0;
    const tidy = commits.tidy(() => {
      tries++;
      if (!isFull) throw full;
      return 'done';
    });
    const grow = add('x');
    await expect(tidy).resolves.toBe('done');
    await expect(grow).rejects.toThrow('disk of the embedded store is full');
    const never = commits.tidy(() => {
      throw full;
    });
    await expect(never).rejects.toThrow('cannot be used: database or disk is full');
    // Together with the other, by itself, and with the reserve's room.
    expect([given, tries]).toEqual([1, 3]);
  });

  test('STO-36 one that throws is rolled back by itself, and no other suffers', async () => {
    const { db, commits, add, rows } = setUp();
    const bug = new TypeError('a bug');
    const results = await Promise.allSettled([
      add('a'),
      commits.write(() => {
        db.exec("INSERT INTO t VALUES ('half')");
        throw bug;
      }),
      add('b'),
    ]);
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: bug });
    expect(rows()).toEqual(['a', 'b']);
  });

  test('STO-145 a full disk is StoreUnavailable for who needs the room, and for nobody else', async () => {
    const { db, add, rows } = setUp();
    db.exec('PRAGMA max_page_count = 20');
    const big = add('x'.repeat(500_000));
    const [small, refused] = await Promise.allSettled([add('a'), big]);
    expect(small.status).toBe('fulfilled');
    expect(refused).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
    await add('b');
    expect(rows()).toEqual(['a', 'b']);
  });

  test('STO-145 a disk that does not keep what was written answers nobody as if it had', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-sync-'));
    const path = join(dir, 'wal');
    closeSync(openSync(path, 'w'));
    const sync = await WalSync.open(path);
    const { commits, add } = setUp((wrote) => (wrote ? sync.committed() : sync.settled()));
    await add('a');
    // From here on the descriptor is bad, as a disk may become.
    await sync.close();
    await expect(add('b')).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(add('c')).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(commits.read(() => 0)).rejects.toBeInstanceOf(StoreUnavailable);
    rmSync(dir, { recursive: true });
  });

  test('STO-145 a file that another connection has locked is StoreUnavailable at once', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-busy-'));
    const db = new DatabaseSync(join(dir, 'a.db'), { timeout: 0 });
    db.exec('CREATE TABLE t (x)');
    const other = new DatabaseSync(join(dir, 'a.db'));
    other.exec('BEGIN EXCLUSIVE');
    const commits = new GroupCommit(db, () => undefined);
    const write = () => commits.write(() => db.exec('INSERT INTO t VALUES (1)'));
    await expect(write()).rejects.toBeInstanceOf(StoreUnavailable);
    other.exec('COMMIT');
    await write();
    other.close();
    rmSync(dir, { recursive: true });
  });

  test('STO-5 close answers what was asked before it and refuses what comes after', async () => {
    const { commits, add, rows } = setUp();
    const before = add('a');
    const closed = commits.close();
    await expect(add('b')).rejects.toBeInstanceOf(StoreUnavailable);
    await closed;
    expect(await before).toBe(1);
    expect(rows()).toEqual(['a']);
  });

  test('STO-147 more than the store holds waiting is refused, not kept', async () => {
    const { commits } = setUp();
    const results = await Promise.allSettled(
      Array.from({ length: MAX_WAITING + 1 }, () => commits.read(() => 0)),
    );
    expect(results.filter((r) => r.status === 'rejected')).toHaveLength(1);
    expect(results.at(-1)).toMatchObject({ reason: { name: 'StoreUnavailable' } });
    expect(await commits.read(() => 1)).toBe(1);
  });
});
