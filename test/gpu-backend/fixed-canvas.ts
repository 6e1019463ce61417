/**
 * A template on a canvas of known places: literals stand from the start, each hole has its number of tokens, and EOS stands nowhere.
 * Holes are filled independently, so the joint law is the product of the rows without their special tokens.
 */

import { type Constraint, MASKED } from '../../gpu-backend/denoise/constraint.ts';
import { drawToken, likeliestToken } from '../../gpu-backend/denoise/gumbel.ts';
import { decodeTokens, type TextTokens } from '../../gpu-backend/denoise/text-tokens.ts';
import { certaintyOf } from '../../gpu-backend/denoise/unconstrained.ts';
import type { Tokenizer } from '../../gpu-backend/model/tokenizer.ts';

/** One piece of a template with its place settled. */
export type Piece =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'hole'; readonly name: string; readonly tokens: number };

/** Text positions from..to (to excluded) of a hole. */
export interface HolePlace {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** The constraint of a template whose holes have a given number of tokens. */
export function fixedCanvas(pieces: readonly Piece[], tokenizer: Tokenizer, tokens: TextTokens): Constraint {
  const cells: number[] = [];
  const holes: HolePlace[] = [];
  for (const piece of pieces) {
    if (piece.kind === 'literal') {
      cells.push(...tokenizer.encode(piece.text));
    } else {
      holes.push({ name: piece.name, from: cells.length, to: cells.length + piece.tokens });
      for (let i = 0; i < piece.tokens; i++) cells.push(MASKED);
    }
  }
  return infill(Int32Array.from(cells), holes, tokens);
}

/** Any text token wherever `fixed` has none (-1). */
export function infill(fixed: Int32Array, holes: readonly HolePlace[], tokens: TextTokens): Constraint {
  return {
    positions: fixed.length,
    fixed,
    propose(_canvas, rows, { temperature, random, measure }) {
      const proposed = new Int32Array(rows.positions.length);
      const confidence = new Float64Array(rows.positions.length);
      rows.positions.forEach((position, r) => {
        const row = rows.probabilities.subarray(r * rows.vocabulary, (r + 1) * rows.vocabulary);
        const token =
          temperature > 0
            ? drawToken(row, tokens.allowed, (draw) => random(position, draw))
            : likeliestToken(row, tokens.allowed);
        proposed[r] = token;
        confidence[r] = Math.min(1, row[token] / textShare(row, tokens.allowed)) || 0;
      });
      const certainty =
        measure &&
        Float64Array.from(rows.positions, (_, r) =>
          certaintyOf(
            measure,
            rows.probabilities.subarray(r * rows.vocabulary, (r + 1) * rows.vocabulary),
            tokens.allowed,
            1,
            0,
          ),
        );
      return { positions: rows.positions, tokens: proposed, confidence, certainty };
    },
    finish(canvas) {
      const values = holes.map(({ name, from, to }) => [name, decodeTokens(canvas.subarray(from, to), tokens.bytes)]);
      const counts = holes.map(({ name, from, to }) => [name, to - from]);
      return {
        text: decodeTokens(canvas, tokens.bytes),
        holes: Object.fromEntries(values),
        holeTokens: Object.fromEntries(counts),
      };
    },
  };
}

/** Sum of the probabilities of the tokens that may stand in a text. */
function textShare(row: Float32Array, allowed: Uint8Array): number {
  let sum = 0;
  for (let token = 0; token < row.length; token++) if (allowed[token] === 1 && row[token] > 0) sum += row[token];
  return sum;
}
