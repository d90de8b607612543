import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { registerStoreContract } from '../../../test-helpers/store-contract/store-contract.ts';
import { ManualClock } from '../../clock.ts';
import { SystemRandom } from '../../random.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-sqlite-'));
const random = new SystemRandom(new ManualClock());
const open = () => openSqliteStore({ dataDir }, { random });

/** A second connection beside the store's own: readers and repairs need no ownership. */
function beside<T>(use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(dataDir, 'holdfast.db'));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

registerStoreContract('sqlite', {
  nodes: 1,
  whyOneNode: 'one process owns the data directory (owner-lock.ts)',
  open,
  reopen: async (store) => {
    await store.close();
    return await open();
  },
  rawKeys: async (sessionId) =>
    beside((db) => {
      const n = db.prepare('SELECT n FROM session WHERE id = ?').get(sessionId)?.n;
      const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
      return tables.flatMap(({ name }) =>
        db
          .prepare(`SELECT * FROM ${name}`)
          .all()
          .map((row) => `${name} ${JSON.stringify(row)}`)
          .filter(
            (text) => text.includes(sessionId) || (n !== undefined && text.includes(`"session":${n},`)),
          ),
      );
    }),
  damage: async (sessionId, how) =>
    beside((db) => {
      const session = '(SELECT n FROM session WHERE id = ?)';
      if (how === 'hole')
        db.prepare(`DELETE FROM event WHERE session = ${session} AND seq = 2`).run(sessionId);
      else db.prepare("UPDATE session SET tag = 'another' WHERE id = ?").run(sessionId);
    }),
  cleanup: async () => rmSync(dataDir, { recursive: true, force: true }),
});
