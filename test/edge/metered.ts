/** An edge whose prices are easy to reckon with, and the ledger of its account. */
import { ledgerOf } from '../../edge/ledger/ledger-of.ts';
import { edge } from './upstream.ts';

/** A recorded text has 4 positions and 2 steps, and so costs 8. */
export const TEXT = 8;
export const CACHED = 3;
/** Of a prompt without constraints: 65 positions, 17 steps. */
export const MOST = 65 * 17;

/** @param asked of the account, beside its name: what its live ledger begins with */
export async function metered(asked: Readonly<Record<string, unknown>> = {}) {
  const running = await edge(asked);
  Object.assign(running.env, { PRICES: `{"small":{"computed":1000000,"cached":${CACHED}}}` });
  const ledger = ledgerOf(running.env, running.account.id, 'live');
  return {
    ...running,
    ledger,
    /** What requests were charged, oldest first, once all that goes on has ended. */
    async charges() {
      await running.settled();
      const entries = await ledger.entries(0, 100);
      return entries
        .filter(({ id }) => id.startsWith('req_'))
        .map(({ kind, amount, work, texts }) => ({ kind, amount, work, texts }));
    },
  };
}

/** Something that nobody else asks for, with one answer: the cache outlives a test. */
export const unique = () => ({ prompt: crypto.randomUUID(), seed: 3 });
