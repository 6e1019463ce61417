/** The tables of a ledger. Amounts are whole micro-dollars, times are Unix milliseconds. */
import type { Sql } from './storage.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS account (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    account TEXT NOT NULL,
    mode TEXT NOT NULL,
    -- The last entry that went out.
    exported INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE IF NOT EXISTS key (
    id TEXT PRIMARY KEY,
    revoked INTEGER NOT NULL,
    expires INTEGER,
    per_minute INTEGER NOT NULL,
    monthly INTEGER,
    -- What it spent in that month: '2026-11'.
    month TEXT NOT NULL DEFAULT '',
    spent INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;

  -- The balance is that of the last entry; the table itself refuses one below zero.
  CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    balance INTEGER NOT NULL CHECK (balance >= 0),
    at INTEGER NOT NULL,
    key TEXT,
    model TEXT,
    work INTEGER,
    texts INTEGER,
    preset TEXT
  ) STRICT;

  -- Open ones only: a hold ends by its row going, in the transaction that writes what became of it.
  CREATE TABLE IF NOT EXISTS hold (
    request TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    joined INTEGER NOT NULL,
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    computed INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    due INTEGER NOT NULL,
    unreachable INTEGER,
    idempotency TEXT,
    preset TEXT,
    -- What it counts towards: a JSON array of ids and measures.
    tallies TEXT
  ) STRICT, WITHOUT ROWID;

  -- Requests that cost nothing, for as long as somebody may say so again; those that were charged are entries.
  CREATE TABLE IF NOT EXISTS released (
    request TEXT PRIMARY KEY,
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS released_expires ON released (expires);

  CREATE TABLE IF NOT EXISTS tally (
    id TEXT PRIMARY KEY,
    used INTEGER NOT NULL CHECK (used >= 0),
    ends INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS tally_ends ON tally (ends);

  -- Without a time for as long as its request is under way.
  CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    request TEXT NOT NULL,
    expires INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS idempotency_expires ON idempotency (expires) WHERE expires IS NOT NULL;

  CREATE TABLE IF NOT EXISTS answer (
    key TEXT NOT NULL,
    piece INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (key, piece)
  ) STRICT;
`;

/** Makes the tables that are not there yet. */
export function createTables(sql: Sql): void {
  sql.exec(TABLES);
}
