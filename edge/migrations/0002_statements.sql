-- What the ledgers' entries become outside of them: statements, deliveries to meters, payments for one request. Amounts are micro-dollars,
-- times Unix milliseconds.

-- One row for each entry of a ledger; the key makes a queue that delivers twice harmless.
CREATE TABLE statements (
  account TEXT NOT NULL,
  mode TEXT NOT NULL,
  id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  amount INTEGER NOT NULL,
  balance INTEGER NOT NULL,
  at INTEGER NOT NULL,
  key TEXT,
  model TEXT,
  work INTEGER,
  texts INTEGER,
  PRIMARY KEY (account, mode, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX statements_by_time ON statements (account, mode, at);
CREATE INDEX statements_by_seq ON statements (account, mode, seq);

-- Entries that an adapter has still to hand on. A row goes when its receiver has the entry; `due` is empty where that was given up.
CREATE TABLE deliveries (
  adapter TEXT NOT NULL,
  account TEXT NOT NULL,
  mode TEXT NOT NULL,
  id TEXT NOT NULL,
  made INTEGER NOT NULL,
  due INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  problem TEXT,
  PRIMARY KEY (adapter, account, mode, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_by_due ON deliveries (adapter, due);

-- Who an account is at Stripe: written when its first payment is done.
CREATE TABLE stripe_customers (
  account TEXT NOT NULL,
  mode TEXT NOT NULL,
  customer TEXT NOT NULL,
  PRIMARY KEY (account, mode)
) STRICT, WITHOUT ROWID;

-- Payments that were credited, by what a refund names: one that comes first must wait for its payment.
CREATE TABLE top_ups (
  payment_intent TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  mode TEXT NOT NULL,
  session TEXT NOT NULL,
  amount INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Payments for one request, of callers without an account (x402). The key is what the chain lets be used once: network, payer and nonce.
CREATE TABLE payments (
  id TEXT NOT NULL PRIMARY KEY,
  request TEXT NOT NULL UNIQUE,
  job TEXT NOT NULL,
  owner TEXT NOT NULL,
  model TEXT NOT NULL,
  state TEXT NOT NULL,
  most INTEGER NOT NULL,
  computed_price INTEGER NOT NULL,
  amount INTEGER,
  work INTEGER,
  payload TEXT NOT NULL,
  requirements TEXT NOT NULL,
  made INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  due INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  answer TEXT,
  problem TEXT
) STRICT;

CREATE INDEX payments_by_due ON payments (due) WHERE due IS NOT NULL;
