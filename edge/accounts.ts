/** Accounts: opened with two ledgers and their first keys, read, changed, closed. Where something may fail halfway, edge/keys/change.ts says why the order is this one. */
import { type Actor, auditRow, type Change, logChange } from './audit.ts';
import { SCOPES } from './caller.ts';
import type { Env } from './env.ts';
import { accountIdentifier } from './identifier.ts';
import { createdChange, draftKey, type NewKey, putTerms } from './keys/change.ts';
import { forgetKeys } from './keys/find.ts';
import { activeKeys, insertKey } from './keys/stored.ts';
import { ledgerOf } from './ledger/ledger-of.ts';
import type { Balance, Mode } from './ledger/protocol.ts';
import { reached } from './reached.ts';

export const MODES: readonly Mode[] = ['live', 'test'];
/** Of the first keys; the owner can make others. */
const PER_MINUTE = 600;

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly logPrompts: boolean;
  /** Unix milliseconds. */
  readonly created: number;
  readonly closed?: number;
}

export interface AskedAccount extends Pick<Account, 'name' | 'email' | 'logPrompts'> {
  /** Micro-dollars each ledger begins with. */
  readonly grants: Readonly<Partial<Record<Mode, number>>>;
  /** Modes a first key is made of. */
  readonly keys: readonly Mode[];
}

/** Opens an account. Until D1 has it, it is nobody's: what fails before leaves two ledgers that no key leads to. */
export async function openAccount(env: Env, by: Actor, asked: AskedAccount) {
  const { name, email, logPrompts } = asked;
  const account: Account = { id: accountIdentifier(), name, email, logPrompts, created: Date.now() };
  await Promise.all(MODES.map((mode) => openLedger(env, account.id, mode, asked.grants[mode] ?? 0)));
  const keys = await Promise.all(asked.keys.map((mode) => firstKey(account.id, mode)));
  await Promise.all(keys.map(({ stored }) => putTerms(env, stored)));
  const opened: Change = { ...by, account: account.id, action: 'account.opened', target: account.id };
  const changes = [{ ...opened, details: asked.grants }, ...keys.map(({ stored }) => createdChange(by, stored))];
  const insert = env.DB.prepare('INSERT INTO accounts (id, name, email, log_prompts, created) VALUES (?, ?, ?, ?, ?)');
  await reached('D1', () =>
    env.DB.batch([
      insert.bind(account.id, name, email ?? null, logPrompts ? 1 : 0, account.created),
      ...keys.map(({ stored }) => insertKey(env.DB, stored)),
      ...changes.map((change) => auditRow(env.DB, change)),
    ]),
  );
  for (const change of changes) logChange(change);
  return { account, keys };
}

function firstKey(account: string, mode: Mode): Promise<NewKey> {
  return draftKey({ account, mode, kind: 'secret', name: `first ${mode} key`, scopes: SCOPES, perMinute: PER_MINUTE });
}

async function openLedger(env: Env, account: string, mode: Mode, grant: number): Promise<void> {
  const ledger = ledgerOf(env, account, mode);
  await reached('the ledger', async () => {
    await ledger.open(account, mode);
    if (grant > 0) await ledger.credit('grant_opening', 'grant', grant);
  });
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly log_prompts: number;
  readonly created: number;
  readonly closed: number | null;
}

export async function readAccount(env: Env, id: string): Promise<Account | undefined> {
  const statement = env.DB.prepare('SELECT id, name, email, log_prompts, created, closed FROM accounts WHERE id = ?');
  const row = await reached('D1', () => statement.bind(id).first<Row>());
  if (row === null) return undefined;
  const { name, email, log_prompts, created, closed } = row;
  return { id, name, email: email ?? undefined, logPrompts: log_prompts === 1, created, closed: closed ?? undefined };
}

/** The balances of both ledgers. */
export async function balancesOf(env: Env, account: string): Promise<Readonly<Record<Mode, Balance>>> {
  const [live, test] = await reached('the ledger', () =>
    Promise.all(MODES.map(async (mode) => await ledgerOf(env, account, mode).balance())),
  );
  return { live, test };
}

export interface AccountChanges {
  readonly logPrompts?: boolean;
  readonly closed?: boolean;
}

/**
 * Changes an account. Of a closed one the ledgers refuse all keys at once, and of one that is opened again they know the keys'
 * terms before the edge lets them pass; asking again mends what failed halfway.
 */
export async function changeAccount(env: Env, by: Actor, account: Account, asked: AccountChanges): Promise<Account> {
  const { logPrompts = account.logPrompts } = asked;
  const isClosed = asked.closed ?? account.closed !== undefined;
  const changed: Account = { ...account, logPrompts, closed: isClosed ? (account.closed ?? Date.now()) : undefined };
  const keys = await reached('D1', () => activeKeys(env.DB, account.id));
  if (asked.closed !== undefined) {
    await Promise.all(keys.map((key) => putTerms(env, isClosed ? { ...key, revoked: changed.closed } : key)));
  }
  const changes = changesOf(by, account, changed);
  const update = env.DB.prepare('UPDATE accounts SET log_prompts = ?, closed = ? WHERE id = ?');
  await reached('D1', () =>
    env.DB.batch([
      update.bind(logPrompts ? 1 : 0, changed.closed ?? null, account.id),
      ...changes.map((change) => auditRow(env.DB, change)),
    ]),
  );
  for (const change of changes) logChange(change);
  await forgetKeys(env, keys);
  return changed;
}

function changesOf(by: Actor, before: Account, after: Account): readonly Change[] {
  const change = { ...by, account: before.id, target: before.id };
  const changes: Change[] = [];
  if (before.logPrompts !== after.logPrompts) {
    changes.push({ ...change, action: 'account.changed', details: { log_prompts: after.logPrompts } });
  }
  if ((before.closed === undefined) !== (after.closed === undefined)) {
    changes.push({ ...change, action: after.closed === undefined ? 'account.reopened' : 'account.closed' });
  }
  return changes;
}
