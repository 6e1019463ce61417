-- Accounts, their keys, and who changed what. Times are Unix milliseconds, money is micro-dollars.

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT,
  -- Whether the account asked for what it writes to be logged.
  log_prompts INTEGER NOT NULL DEFAULT 0 CHECK (log_prompts IN (0, 1)),
  created INTEGER NOT NULL,
  closed INTEGER
) STRICT;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts (id),
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  kind TEXT NOT NULL CHECK (kind IN ('secret', 'publishable')),
  -- SHA-256 of the key in hexadecimal. The key itself is nowhere.
  hash TEXT NOT NULL UNIQUE,
  last4 TEXT NOT NULL,
  name TEXT NOT NULL,
  -- JSON arrays of strings; origins only of publishable keys.
  scopes TEXT NOT NULL,
  origins TEXT,
  per_minute INTEGER NOT NULL,
  monthly INTEGER,
  created INTEGER NOT NULL,
  expires INTEGER,
  revoked INTEGER,
  -- The key that this one takes the place of.
  rotates TEXT REFERENCES keys (id)
) STRICT;

CREATE INDEX keys_by_account ON keys (account);
CREATE INDEX keys_by_rotated ON keys (rotates) WHERE rotates IS NOT NULL;

-- Append-only. Account and mode say who may read a line: without a mode it concerns the account as a whole.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  account TEXT NOT NULL,
  mode TEXT,
  -- 'admin', or the id of a key.
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  request TEXT NOT NULL,
  -- JSON object; never a secret.
  details TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_account ON audit (account, seq);

-- What must hold however many requests change the keys of an account at once.
CREATE TRIGGER keys_are_bounded BEFORE INSERT ON keys
WHEN 100 <= (
  SELECT count(*) FROM keys
  WHERE account = NEW.account AND revoked IS NULL AND (expires IS NULL OR expires > NEW.created)
)
BEGIN
  SELECT RAISE(ABORT, 'too_many_keys');
END;

-- Two keys of a rotation are active at once, never three: neither a second successor, nor one of a key whose predecessor still lives.
CREATE TRIGGER keys_rotate_in_pairs BEFORE INSERT ON keys
WHEN NEW.rotates IS NOT NULL AND EXISTS (
  SELECT 1 FROM keys
  WHERE (rotates = NEW.rotates OR id = (SELECT rotates FROM keys WHERE id = NEW.rotates))
    AND revoked IS NULL AND (expires IS NULL OR expires > NEW.created)
)
BEGIN
  SELECT RAISE(ABORT, 'rotation_under_way');
END;
