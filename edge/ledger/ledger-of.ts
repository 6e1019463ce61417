/** How the ledgers are named. */
import type { Env } from '../env.ts';
import type { LedgerApi, Mode } from './protocol.ts';

/** What no two ledgers share. */
export function ledgerName(account: string, mode: Mode): string {
  return `${account}:${mode}`;
}

/** The ledger of an account and mode. */
export function ledgerOf(env: Pick<Env, 'LEDGER'>, account: string, mode: Mode): LedgerApi {
  return env.LEDGER.getByName(ledgerName(account, mode));
}
