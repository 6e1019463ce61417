/**
 * Looks for a text that holds a compiled constraint.
 */
import type { CompiledConstraint } from './compile.ts';
import { phraseCharacters } from './phrases.ts';
import { makeScene } from './scene.ts';
import { type Budget, type Found, search } from './search.ts';

/** What the model allows: tokens of the whole text, and the bytes of its longest token. */
export interface DecisionLimits {
  readonly tokens: number;
  readonly longestTokenBytes: number;
}

/** A shortest text of a compiled constraint (any, when `hasty`), undefined when there is none. */
export function findText(compiled: CompiledConstraint, limits: DecisionLimits, budget: Budget, hasty = false): Found {
  const { min } = compiled.tokens;
  if (min > limits.tokens) return undefined;
  const maxBytes = limits.tokens * limits.longestTokenBytes;
  const most = compiled.plan.measures.text.characters?.max ?? maxBytes;
  if (phraseCharacters(compiled.phrases) > Math.min(most, maxBytes)) return undefined;
  const sizes = { longest: limits.longestTokenBytes, least: 1 };
  const found = search(makeScene(compiled, sizes), maxBytes, budget, hasty);
  const leastStated = min > 0 || compiled.segments.some((segment) => segment.kind === 'hole' && segment.tokens.min > 0);
  // A character of the text found may be one byte where another of the same kind has four, and so room for four tokens.
  if (found !== undefined || !leastStated) return found;
  return search(makeScene(compiled, { ...sizes, least: 1 / 4 }), maxBytes, budget, hasty);
}
