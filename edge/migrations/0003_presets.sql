-- Presets, and which of them a request ran. Times are Unix milliseconds.

CREATE TABLE presets (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts (id),
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  -- JSON object: the preset as it is shown.
  terms TEXT NOT NULL,
  -- The secret for Turnstile, encrypted under one that is not here.
  turnstile TEXT,
  created INTEGER NOT NULL
) STRICT;

CREATE INDEX presets_by_account ON presets (account, mode);

-- What must hold however many requests make presets at once.
CREATE TRIGGER presets_are_bounded BEFORE INSERT ON presets
WHEN 100 <= (SELECT count(*) FROM presets WHERE account = NEW.account)
BEGIN
  SELECT RAISE(ABORT, 'too_many_presets');
END;

ALTER TABLE statements ADD COLUMN preset TEXT;
