/** Which ledger is whose. */
import type { Env } from '../env.ts';
import type { LedgerApi, Mode } from './protocol.ts';

export function ledgerOf(env: Env, account: string, mode: Mode): LedgerApi {
  return env.LEDGER.getByName(`${account}:${mode}`);
}
