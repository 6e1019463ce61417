/** How the ledgers are named. */
import type { Env } from '../env.ts';
import type { LedgerApi, Mode } from './protocol.ts';

/** The ledger of an account and mode. */
export function ledgerOf(env: Pick<Env, 'LEDGER'>, account: string, mode: Mode): LedgerApi {
  return env.LEDGER.getByName(`${account}:${mode}`);
}
