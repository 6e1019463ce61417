/** A lost stream that is taken up again. It is paid by the request it belongs to, once, however often it is taken up. */
import type { Context } from 'hono';
import type { Price } from '../../shared/contract/price.ts';
import { streamGone } from '../../shared/contract/problem.ts';
import { type PricedProgress, priced } from '../answers/priced.ts';
import { type NumberedProgress, resume } from '../backends/forward.ts';
import type { EdgeTypes } from '../env.ts';
import { requestOfJob } from '../identifier.ts';
import { started } from '../iteration.ts';
import { ledgerOf } from '../ledger/ledger-of.ts';
import type { KnownRequest, LedgerApi } from '../ledger/protocol.ts';
import { reached } from '../reached.ts';
import { RESUME_MS } from '../requests/prepare.ts';
import { log } from '../watching/log.ts';
import { spanned } from '../watching/trace.ts';
import { COLLECT_MARGIN_MS, inBackground } from './outcome.ts';
import { priceOfModel } from './prices.ts';
import type { Run } from './ways.ts';

const FREE: Price = { computed: 0, cached: 0 };

/**
 * The events of a job behind number `after`.
 * @throws ProblemError `stream_gone` where it is not of this account and mode, or no longer there; what fails before the first event
 */
export async function takeUp(c: Context<EdgeTypes>, id: string, after: number): Promise<Pick<Run, 'events' | 'leave'>> {
  const { account, mode } = c.get('caller');
  const { timing, trace } = c.var;
  const ledger = ledgerOf(c.env, account, mode);
  const abort = new AbortController();
  c.req.raw.signal.addEventListener('abort', () => abort.abort(), { once: true });
  const rest = spanned(trace.child('backend', 3), resume(c.env, { id, owner: account, after }, abort.signal));
  const asking = reached('the ledger', async () => await ledger.find(requestOfJob(id)));
  const [known, first] = await Promise.allSettled([
    timing.measure('ledger', asking),
    timing.measure('backend', started(rest)),
  ]);
  if (first.status === 'rejected') throw first.reason;
  if (known.status === 'rejected' || known.value === undefined) {
    abort.abort();
    await first.value.return(undefined).catch(() => undefined);
    throw known.status === 'rejected' ? known.reason : streamGone();
  }
  const all = paid(c, ledger, { id, price: priceOfKnown(c, known.value) }, first.value);
  return {
    events: await started(all),
    leave() {
      abort.abort();
      void all.return(undefined).catch(() => undefined);
    },
  };
}

/** By what its texts are priced: as they were when it began. */
function priceOfKnown(c: Context<EdgeTypes>, known: KnownRequest): Price {
  if (known.state === 'open') return known.price;
  return known.state === 'charged' ? priceOfModel(c.env.PRICES, known.model) : FREE;
}

/** When the events end, the ledger asks at once what ran; when their reader goes away again, once he can no longer come back. */
async function* paid(
  c: Context<EdgeTypes>,
  ledger: LedgerApi,
  { id, price }: { readonly id: string; readonly price: Price },
  events: AsyncGenerator<NumberedProgress>,
): AsyncGenerator<PricedProgress> {
  const request = requestOfJob(id);
  let collectInMs = RESUME_MS + COLLECT_MARGIN_MS;
  try {
    for await (const numbered of events) yield priced('computed', price, numbered);
    collectInMs = 0;
  } finally {
    inBackground(c, () =>
      ledger
        .leave(request, collectInMs)
        .catch((error) => log('error', 'the ledger was not told', { request, how: 'leave', error: String(error) })),
    );
  }
}
