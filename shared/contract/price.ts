/**
 * What a text costs: positions times denoising steps that ran, and nothing else. Money is whole micro-dollars.
 */
import { denoisingOf } from './effort.ts';
import type { GenerationRequest } from './generation.ts';
import type { Usage } from './stream.ts';

/** The price of one model. */
export interface Price {
  /** Micro-dollars for a million positions x denoising steps; each text is rounded up to a whole micro-dollar. */
  readonly computed: number;
  /** Micro-dollars for an answer that was computed before, or is being computed for somebody else of the account. */
  readonly cached: number;
}

/** Of a model that has no price of its own: a sentence of 64 positions in 16 steps costs 52 micro-dollars. */
export const DEFAULT_PRICE: Price = { computed: 50_000, cached: 5 };

/**
 * Where an answer came from, which decides what it costs. `cached` and `joined`: the price of a cached answer, the latter for a request
 * identical to one under way. `replayed`: the same answer again under its Idempotency-Key, for nothing.
 */
export type Origin = 'computed' | 'cached' | 'joined' | 'replayed';

/** What a text or an answer cost. */
export interface Charge {
  readonly origin: Origin;
  readonly micro_dollars: number;
}

/** `usage` of every answer. */
export type PricedUsage = Usage & { readonly price: Charge };

/** Positions x denoising steps of one text. */
export type Work = Pick<Usage, 'positions' | 'denoising_steps'>;

const PER = 1_000_000;

/** Micro-dollars for the steps of one text that ran. */
export function priceOf({ computed }: Price, { positions, denoising_steps: steps }: Work): number {
  return Math.ceil((positions * steps * computed) / PER);
}

/** Micro-dollars for several texts, each rounded up for itself, so that the sum of the texts is the sum of the request. */
export function priceOfAll(price: Price, texts: readonly Work[]): number {
  return texts.reduce((sum, work) => sum + priceOf(price, work), 0);
}

/** A canvas is the tokens of its text and the end of text behind them. */
const CLOSING_POSITIONS = 1;

/** The most work that one text of a request can be, where its constraints leave it so many tokens at most. */
export function mostWork(request: Pick<GenerationRequest, 'diffusion' | 'temperature'>, tokens: number): Work {
  const positions = tokens + CLOSING_POSITIONS;
  return { positions, denoising_steps: denoisingOf(request).stepsFor(positions) };
}
