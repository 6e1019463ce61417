/**
 * A soft control of repetition: tokens that stand in the text already become less probable before the constraint sees the rows, so that
 * what must hold still does. Samplers that take the surest token repeat what a small model is always sure of.
 *
 * The penalty divides probabilities, once for each time the token stands there (Keskar et al., CTRL, arXiv 1909.05858, section 4.1,
 * divide logits, which depends on where their zero lies). Dividing once however often it stands hardly helps: in a loop all that the
 * model thinks of stands already (measured on 6 stories of up to 48 tokens by the shipped model, temperature 0.7, penalty 2: 45% of
 * word pairs repeated, of 52% without; 26% when each time counts). What a repeated token loses goes to the other tokens of text, in
 * proportion; the end of text keeps its probability, so that a long text is not ended for having used many tokens.
 */

import { createScratch } from '../model/scratch.ts';
import { MASKED, type Rows } from './constraint.ts';

const scratch = createScratch();

/** What the probability of each token that stands on the canvas is multiplied with: divided by the penalty once for each time it does. */
export function repetitionFactors(canvas: Int32Array, penalty: number, eos: number): ReadonlyMap<number, number> {
  const factors = new Map<number, number>();
  if (penalty === 1) return factors;
  for (const token of canvas) {
    if (token !== MASKED && token !== eos) factors.set(token, (factors.get(token) ?? 1) / penalty);
  }
  return factors;
}

/**
 * The rows with the probability of each token that stands on the canvas divided, once for each time it does: weights that no longer
 * add up to 1, in memory that the next call overwrites. Summaries stay as they are: the device that made them has done it.
 *
 * @param penalty 1 or more; 1: the rows as they are
 * @param eos the end of text, which is not text
 */
export function discourageRepetition(rows: Rows, canvas: Int32Array, penalty: number, eos: number): Rows {
  const factors = repetitionFactors(canvas, penalty, eos);
  if (factors.size === 0 || rows.summaries !== undefined) return rows;
  const { vocabulary } = rows;
  // Walking the map would leave an array behind for each token of each row: a third of all garbage of the engine (measured).
  const tokens = Int32Array.from(factors.keys());
  const factorOf = Float64Array.from(factors.values());
  const probabilities = scratch(rows.probabilities.length);
  probabilities.set(rows.probabilities);
  for (let from = 0; from < probabilities.length; from += vocabulary) {
    const text = 1 - probabilities[from + eos];
    let lost = 0;
    for (let i = 0; i < tokens.length; i++) lost += probabilities[from + tokens[i]] * (1 - factorOf[i]);
    const rest = text - lost;
    // No text is left to give to (or the row is no distribution): shares stay what they are.
    if (!(rest > 0)) continue;
    for (let i = 0; i < tokens.length; i++) probabilities[from + tokens[i]] *= factorOf[i];
    // Rows are weights: less of the end of text is the same as more of all text.
    probabilities[from + eos] *= rest / text;
  }
  return { ...rows, probabilities };
}
