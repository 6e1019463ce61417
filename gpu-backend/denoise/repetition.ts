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
import { MASKED, type Rows } from './constraint.ts';

/**
 * The rows with the probability of each token that stands on the canvas divided, once for each time it does.
 *
 * @param penalty 1 or more; 1: the rows as they are
 * @param eos the end of text, which is not text
 */
export function discourageRepetition(rows: Rows, canvas: Int32Array, penalty: number, eos: number): Rows {
  const factors = new Map<number, number>();
  for (const token of canvas) {
    if (token !== MASKED && token !== eos) factors.set(token, (factors.get(token) ?? 1) / penalty);
  }
  if (penalty === 1 || factors.size === 0) return rows;
  const { vocabulary } = rows;
  const probabilities = rows.probabilities.slice();
  for (let from = 0; from < probabilities.length; from += vocabulary) {
    const row = probabilities.subarray(from, from + vocabulary);
    let text = -row[eos];
    for (const p of row) text += p;
    let lost = 0;
    for (const [token, factor] of factors) lost += row[token] * (1 - factor);
    // No text is left to give to (or the row is no distribution): shares stay what they are.
    const rest = text - lost;
    if (!(rest > 0)) continue;
    const end = row[eos];
    for (const [token, factor] of factors) row[token] *= factor;
    for (let token = 0; token < vocabulary; token++) row[token] *= text / rest;
    row[eos] = end;
  }
  return { ...rows, probabilities };
}
