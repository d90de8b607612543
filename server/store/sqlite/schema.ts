import type { DatabaseSync } from 'node:sqlite';

/**
 * Each entry takes the schema from its index to the next `user_version`. Entries are never changed once released: data
 * directories in the field stand at each of them.
 *
 * - `n` is a short stand-in for a session's id in the tables of its parts.
 * - Tables of parts are WITHOUT ROWID: a session's log lies together, so that a replay reads neighbouring pages, and an
 *   append of one session dirties one leaf.
 * - Partial indexes hold only what somebody will look for: alarms that are set, leases that are held, messages, open attachments.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE secret (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE subject (subject TEXT PRIMARY KEY, sessions INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE session (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    tag TEXT,
    subject TEXT NOT NULL,
    domain TEXT NOT NULL,
    workspace TEXT NOT NULL,
    listed INTEGER NOT NULL,
    title TEXT,
    previous_id TEXT,
    brief_ms INTEGER NOT NULL,
    medium_ms INTEGER NOT NULL,
    archive_ms INTEGER NOT NULL,
    attach_ttl_ms INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    hold_until INTEGER NOT NULL,
    alarm_at INTEGER,
    user_messages INTEGER NOT NULL,
    assistant_messages INTEGER NOT NULL,
    system_messages INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    lease_run TEXT,
    lease_attempt INTEGER,
    lease_owner TEXT,
    lease_until INTEGER,
    chunk_message TEXT,
    chunk_run TEXT,
    chunk_attempt INTEGER,
    chunk_count INTEGER NOT NULL,
    archived_at INTEGER,
    archived_until INTEGER,
    successor_id TEXT,
    last_message TEXT
  ) STRICT;
  CREATE INDEX session_listed ON session (subject, updated_at, id) WHERE listed = 1;
  CREATE INDEX session_alarm ON session (alarm_at) WHERE alarm_at IS NOT NULL;
  CREATE INDEX session_lease ON session (lease_owner) WHERE lease_owner IS NOT NULL;

  CREATE TABLE event (
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    tag TEXT NOT NULL,
    role TEXT,
    json TEXT NOT NULL,
    PRIMARY KEY (session, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX event_message ON event (session, role, seq) WHERE role IS NOT NULL;

  CREATE TABLE annotation (
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (session, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE cell (
    session INTEGER NOT NULL,
    name TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (session, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE known_id (
    session INTEGER NOT NULL,
    id TEXT NOT NULL,
    digest TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (session, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE chunk (
    session INTEGER NOT NULL,
    i INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (session, i)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE attachment (
    session INTEGER NOT NULL,
    connection TEXT NOT NULL,
    node TEXT NOT NULL,
    beat_at INTEGER NOT NULL,
    gone_at INTEGER,
    PRIMARY KEY (session, connection)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX attachment_open ON attachment (session, connection) WHERE gone_at IS NULL;
  `,
];

/** The data was written by a later version of Holdfast, which may have stored what this one cannot keep. */
export class NewerSchema extends Error {
  override readonly name = 'NewerSchema';

  shouldRetry(): boolean {
    return false;
  }
}

/** Brings the schema to the newest version, each step in a transaction of its own. Throws `NewerSchema`. */
export function migrate(db: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  if (version > migrations.length)
    throw new NewerSchema(
      `The data directory was written by a newer version (schema ${version}, known up to ${migrations.length}).`,
    );
  migrations.slice(version).forEach((step, i) => {
    try {
      db.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${version + i + 1}; COMMIT;`);
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  });
}
