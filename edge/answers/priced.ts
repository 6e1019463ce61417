/** What each text of an answer costs, put where its reader sees it: `usage.price` of its `done`. */
import { type Charge, type Origin, type Price, type PricedUsage, priceOf } from '../../shared/contract/price.ts';
import type { AcceptedEvent, DoneEvent, ProgressEvent, StepEvent } from '../../shared/contract/stream.ts';
import type { NumberedProgress } from '../backends/forward.ts';

export type PricedDone = DoneEvent & { readonly usage: PricedUsage };

/** The events of an answer, each with its number; a problem ends the iteration by being thrown. */
export interface PricedProgress {
  readonly seq: number;
  readonly event: AcceptedEvent | StepEvent | PricedDone;
}

/** What a text costs that came from there. */
function chargeOf(origin: Origin, price: Price, { index, usage }: DoneEvent): Charge {
  if (origin === 'computed') return { origin, micro_dollars: priceOf(price, usage) };
  // An answer that was there already has one price, whatever its number of texts: the first bears it.
  return { origin, micro_dollars: origin === 'replayed' || index > 0 ? 0 : price.cached };
}

/** An event with its price, where it has one. */
export function priced(origin: Origin, price: Price, { seq, event }: NumberedProgress): PricedProgress {
  if (event.type !== 'done') return { seq, event };
  return { seq, event: { ...event, usage: { ...event.usage, price: chargeOf(origin, price, event) } } };
}

/** Answers that are there already, from their first event on. */
export async function* replay(
  events: readonly ProgressEvent[],
  origin: Origin,
  price: Price,
): AsyncGenerator<PricedProgress> {
  for (const [seq, event] of events.entries()) yield priced(origin, price, { seq, event });
}
