/**
 * The trivial constraint: any tokens, then end-of-text to the end of the canvas.
 *
 * Rows are independent, so conditioning them on "all behind the first EOS is EOS" leaves one choice that is joint: where
 * the text ends. With a(i) the probability of any text token at position i and e(i) that of EOS, a text of k tokens has weight
 * W(k) = product of a(i), i < k, times product of e(i), i >= k. k is drawn from W, then each token from its own row, which is
 * an exact draw; drawing rows apart and cutting at the first EOS would end texts far too early.
 */
import { type Measure, meter } from '../lattice/meter.ts';
import { type Constraint, MASKED, type Proposal, type ProposeOptions, type Rows } from './constraint.ts';
import { drawToken, gumbelMax, likeliestToken } from './gumbel.ts';
import { decodeTokens, type TextTokens } from './text-tokens.ts';

/** Position under which the draw of the text's end stands; text positions count from 0. */
const END = -1;

// A probability that float32 lost counts as this: floats only score, what is possible is decided by positions and tokens.
const LEAST_PROBABILITY = 1e-300;

/** No constraint but the EOS tail, on a canvas of that many text positions. */
export function unconstrained(positions: number, tokens: TextTokens): Constraint {
  return {
    positions,
    fixed: new Int32Array(positions).fill(MASKED),
    propose: (canvas, rows, options) => propose(tokens, canvas, rows, options),
    finish(canvas) {
      const end = canvas.indexOf(tokens.eos);
      return {
        text: decodeTokens(end < 0 ? canvas : canvas.subarray(0, end), tokens.bytes),
        holes: {},
        holeTokens: {},
      };
    },
  };
}

/** Shares of one position, in the exact law and (at temperature 0) in the search for the likeliest text. */
interface Shares {
  /** Sum of the probabilities of all text tokens. */
  readonly text: Float64Array;
  readonly eos: Float64Array;
  /** Of the likeliest text token. */
  readonly peak: Float64Array;
}

function propose(tokens: TextTokens, canvas: Int32Array, rows: Rows, options: ProposeOptions): Proposal {
  const row = (r: number) => rows.probabilities.subarray(r * rows.vocabulary, (r + 1) * rows.vocabulary);
  const shares = sharesOf(tokens, canvas, rows, row);
  const [shortest, longest] = possibleEnds(canvas, tokens.eos);

  const law = endWeights(shares.text, shares.eos, shortest, longest);
  const end =
    options.temperature > 0
      ? shortest +
        gumbelMax(
          0,
          law.length,
          (k) => law[k],
          (k) => options.random(END, k),
        )
      : shortest + largest(endWeights(shares.peak, shares.eos, shortest, longest));

  // longer[i]: probability that the text reaches beyond position i, so that a text token stands there.
  const total = law.reduce((sum, w) => sum + w, 0);
  const longer = new Float64Array(canvas.length);
  for (let i = canvas.length - 1, sum = 0; i >= 0; i--) {
    const k = i + 1 - shortest; // a text of i + 1 tokens is the shortest that covers i
    if (k >= 0 && k < law.length) sum += law[k];
    longer[i] = k < 0 ? 1 : sum / total;
  }

  const proposed = new Int32Array(rows.positions.length);
  const confidence = new Float64Array(rows.positions.length);
  const { measure } = options;
  const certainty =
    measure &&
    Float64Array.from(rows.positions, (position, r) =>
      certaintyOf(measure, row(r), tokens.allowed, longer[position] / shares.text[position], 1 - longer[position]),
    );
  rows.positions.forEach((position, r) => {
    if (position >= end) {
      proposed[r] = tokens.eos;
      confidence[r] = Math.max(0, 1 - longer[position]);
      return;
    }
    const token =
      options.temperature > 0
        ? drawToken(row(r), tokens.allowed, (draw) => options.random(position, draw))
        : likeliestToken(row(r), tokens.allowed);
    proposed[r] = token;
    confidence[r] = Math.min(1, (longer[position] * row(r)[token]) / shares.text[position]) || 0;
  });
  return { positions: rows.positions, tokens: proposed, confidence, certainty };
}

/** The measure of one position: text tokens by their share of the row, times `scale`, and the end of text. */
export function certaintyOf(measure: Measure, row: Float32Array, allowed: Uint8Array, scale: number, end: number) {
  const result = meter(measure);
  row.forEach((p, token) => {
    if (allowed[token] === 1 && p > 0) result.add(p * scale);
  });
  result.add(end);
  return result.value();
}

function sharesOf(tokens: TextTokens, canvas: Int32Array, rows: Rows, row: (r: number) => Float32Array): Shares {
  const text = new Float64Array(canvas.length).fill(1); // committed positions add nothing to any end's weight
  const eos = new Float64Array(canvas.length).fill(1);
  const peak = new Float64Array(canvas.length).fill(1);
  rows.positions.forEach((position, r) => {
    const p = row(r);
    let sum = 0;
    let most = 0;
    for (let token = 0; token < p.length; token++) {
      if (tokens.allowed[token] !== 1 || !(p[token] > 0)) continue;
      sum += p[token];
      if (p[token] > most) most = p[token];
    }
    text[position] = Math.max(sum, LEAST_PROBABILITY);
    peak[position] = Math.max(most, LEAST_PROBABILITY);
    eos[position] = Math.max(p[tokens.eos] || 0, LEAST_PROBABILITY);
  });
  return { text, eos, peak };
}

/** The shortest and the longest text that what is committed allows, in tokens. */
function possibleEnds(canvas: Int32Array, eos: number): [number, number] {
  const longest = canvas.indexOf(eos);
  const lastText = canvas.findLastIndex((token) => token !== MASKED && token !== eos);
  return [lastText + 1, longest < 0 ? canvas.length : longest];
}

/** Weights of the ends shortest..longest, scaled so that the largest is 1. */
function endWeights(text: Float64Array, eos: Float64Array, shortest: number, longest: number): Float64Array {
  const logs = new Float64Array(longest - shortest + 1);
  // From one end to the next, position k turns from EOS into text.
  for (let k = 1; k < logs.length; k++) {
    logs[k] = logs[k - 1] + Math.log(text[shortest + k - 1]) - Math.log(eos[shortest + k - 1]);
  }
  const top = logs.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return logs.map((value) => Math.exp(value - top));
}

/** Index of the largest weight; of equal ones the last, the longer text. */
function largest(weights: Float64Array): number {
  let best = 0;
  for (let k = 1; k < weights.length; k++) if (weights[k] >= weights[best]) best = k;
  return best;
}
