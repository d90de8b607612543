import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../clock.ts';
import { SystemRandom } from '../../random.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { MIGRATIONS, migrate, NewerSchema } from './schema.ts';

const version = (db: DatabaseSync) => db.prepare('PRAGMA user_version').get()?.user_version;

describe('schema', () => {
  test('STO-144 an empty file gets the newest schema, and a second start changes nothing', () => {
    const db = new DatabaseSync(':memory:');
    migrate(db);
    migrate(db);
    expect(version(db)).toBe(MIGRATIONS.length);
  });

  test('STO-144 an older file takes only the steps that it lacks, and keeps its content', () => {
    const db = new DatabaseSync(':memory:');
    const [first = ''] = MIGRATIONS;
    migrate(db, [first]);
    db.exec("INSERT INTO secret VALUES ('a', 'kept')");
    const later = [first, 'ALTER TABLE secret ADD COLUMN more TEXT', 'CREATE TABLE other (x)'];
    migrate(db, later);
    expect(version(db)).toBe(3);
    expect({ ...db.prepare('SELECT * FROM secret').get() }).toEqual({ name: 'a', value: 'kept', more: null });
  });

  test('STO-144 a step that fails leaves the file at the step before it', () => {
    const db = new DatabaseSync(':memory:');
    const broken = ['CREATE TABLE one (x)', 'CREATE TABLE two (x); CREATE TABLE one (x)'];
    expect(() => migrate(db, broken)).toThrow(/already exists/);
    expect(version(db)).toBe(1);
    expect(db.isTransaction).toBe(false);
    expect(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'two'").get()?.n).toBe(0);
  });

  test('STO-144 the data of a later version is refused, untouched and with a readable line', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-schema-'));
    const path = join(dataDir, 'holdfast.db');
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 999');
    db.close();
    const open = () => openSqliteStore({ dataDir }, { random: new SystemRandom(new ManualClock()) });
    await expect(open()).rejects.toThrow(NewerSchema);
    // The refusal gave the directory free again.
    await expect(open()).rejects.toThrow(/newer version \(schema 999, known up to \d+\)/);
    rmSync(dataDir, { recursive: true });
  });
});
