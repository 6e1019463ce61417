/**
 * The purse of an account: its ledger, and what is settled soon goes there in groups. A call of a Durable Object costs as much as the
 * work of several settlements; where requests come one after the other, the next one need not wait behind the money of the last.
 */
import type { Env } from '../env.ts';
import { ledgerName, ledgerOf } from './ledger-of.ts';
import type { LedgerApi, Mode, Purse, Settlement } from './protocol.ts';

/** Long enough for some requests of a busy account to end, and far from what a reader of his balance would notice. */
const SOON_MS = 20;

type Waiting = (readonly [request: string, settlement: Settlement])[];

/** By the names of ledgers. Values only, as a Worker must not use what belongs to another request: who takes them calls by himself. */
const waiting = new Map<string, Waiting>();

export function accountPurse(env: Pick<Env, 'LEDGER'>, account: string, mode: Mode): Purse {
  const ledger = ledgerOf(env, account, mode);
  return {
    begin: (asked) => ledger.begin(asked),
    have: (asked, settlement) => ledger.have(asked, settlement),
    settle: (request, settlement) => ledger.settle(request, settlement),
    settleSoon: (request, settlement) => settleSoon(ledger, ledgerName(account, mode), request, settlement),
    release: (request) => ledger.release(request),
    leave: (request, collectInMs) => ledger.leave(request, collectInMs),
  };
}

/** Whoever comes first after his wait takes all that wait; the others find theirs gone. */
async function settleSoon(ledger: LedgerApi, name: string, request: string, settlement: Settlement): Promise<void> {
  const group = waiting.get(name) ?? [];
  waiting.set(name, group);
  group.push([request, settlement]);
  await new Promise((resolve) => setTimeout(resolve, SOON_MS));
  if (waiting.get(name) !== group) return;
  waiting.delete(name);
  // Once more: an object that was moved or got a new version in between rejects what was on its way.
  await ledger.settleAll(group).catch(() => ledger.settleAll(group));
}
