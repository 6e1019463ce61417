/**
 * The money of one request: the most it can cost is held before anything runs, and then exactly one thing becomes of it. What is said
 * to the ledger afterwards is said while nobody waits; where it does not arrive, the ledger asks the service itself when the hold's time
 * has passed.
 */
import type { Context } from 'hono';
import { type Price, priceOfAll, type Work } from '../../shared/contract/price.ts';
import type { EdgeTypes } from '../env.ts';
import type { Begin, Begun, KeptAnswer, Settlement } from '../ledger/protocol.ts';
import { reached } from '../reached.ts';
import { log } from '../watching/log.ts';

export interface Meter {
  readonly price: Price;
  /**
   * Begins the request, or takes it up by another way: with less held, or by itself.
   * @throws ProblemError `ledger_unavailable`; a refusal is a result
   */
  begin(how: Pick<Begin, 'most' | 'flight' | 'idempotency'>): Promise<Begun>;
  /**
   * Begins a request whose answer is there, and pays for it.
   * @throws ProblemError `ledger_unavailable`; a refusal is a result
   */
  have(how: Pick<Begin, 'idempotency'>, texts: number, answer: KeptAnswer): Promise<Begun>;
  /** Of these four, the first that is called counts, and none of them rejects. */
  computed(texts: readonly Work[], answer: KeptAnswer | undefined): Promise<void>;
  had(origin: 'cached' | 'joined', texts: number, answer: KeptAnswer | undefined): Promise<void>;
  release(): Promise<void>;
  leave(collectInMs: number): Promise<void>;
}

/** @param known what of the request does not change */
export function createMeter(
  c: Context<EdgeTypes>,
  known: Pick<Begin, 'job' | 'model' | 'price' | 'holdMs' | 'preset' | 'tallies'>,
): Meter {
  const request = c.get('requestId');
  const timing = c.get('timing');
  const { purse, key } = c.get('caller');
  const { price } = known;
  /** Whether the ledger was asked for an answer to be kept. */
  let keeps = false;
  /** Whether an identical request may wait for its end. */
  let joinable = false;
  let over = false;
  async function end(how: string, work: () => Promise<unknown>): Promise<void> {
    if (over) return;
    over = true;
    // Once more: an object that was moved or got a new version in between rejects what was on its way, and takes it the second time.
    await work()
      .catch(work)
      .catch((error) => log('error', 'the ledger was not told', { request, how, error: String(error) }));
  }
  const settle = ({ answer, ...settlement }: Settlement) =>
    end('settle', () => {
      if (keeps) return purse.settle(request, { ...settlement, answer });
      return joinable ? purse.settle(request, settlement) : purse.settleSoon(request, settlement);
    });
  async function admitted(work: () => Promise<Begun>): Promise<Begun> {
    const begun = await timing.measure(
      'ledger',
      reached('the ledger', async () => await work()),
    );
    if (begun.rate !== undefined) c.set('rate', begun.rate);
    return begun;
  }
  return {
    price,
    begin(how) {
      keeps = how.idempotency !== undefined;
      joinable = how.flight !== undefined;
      const asked = { request, key, ...known, ...how };
      return admitted(() => purse.begin(asked));
    },
    have(how, texts, answer) {
      const asked = { request, key, ...known, ...how, most: price.cached };
      const settlement = { origin: 'cached', amount: price.cached, work: 0, texts } as const;
      const having = () => purse.have(asked, how.idempotency === undefined ? settlement : { ...settlement, answer });
      // Once more, as `end` does: by then it may have been charged, and would be without having been answered.
      return admitted(() => having().catch(having));
    },
    computed(texts, answer) {
      const work = texts.reduce((sum, { positions, denoising_steps: steps }) => sum + positions * steps, 0);
      const amount = priceOfAll(price, texts);
      return settle({ origin: 'computed', amount, work, texts: texts.length, answer });
    },
    had: (origin, texts, answer) => settle({ origin, amount: price.cached, work: 0, texts, answer }),
    release: () => end('release', () => purse.release(request)),
    leave: (collectInMs) => end('leave', () => purse.leave(request, collectInMs)),
  };
}
