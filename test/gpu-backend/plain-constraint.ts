/**
 * Constraints for tests of the loop and the engine, apart from the constraint language: a template whose holes are all written
 * `{{name:tokens=N}}`, else as many free positions as `length` says (16 where it says nothing).
 */
import type { Constraint } from '../../gpu-backend/denoise/constraint.ts';
import { textTokens } from '../../gpu-backend/denoise/text-tokens.ts';
import { unconstrained } from '../../gpu-backend/denoise/unconstrained.ts';
import type { LoadedModel } from '../../gpu-backend/model/registry.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { fixedCanvas, type Piece } from './fixed-canvas.ts';

export function plainConstraint(job: GenerationJob, model: LoadedModel): () => Constraint {
  return () => constraintOf(job, model);
}

function constraintOf({ request }: GenerationJob, { tokenizer, manifest }: LoadedModel): Constraint {
  const tokens = textTokens(tokenizer, manifest.tokens.eos);
  if (request.template === undefined) return unconstrained([request.length ?? []].flat()[0]?.max ?? 16, tokens);
  const parts = request.template.split(/\{\{(\w+):tokens=(\d+)\}\}/); // literal, name, tokens, literal, ...
  const pieces: Piece[] = [];
  for (let i = 0; i < parts.length; i += 3) {
    if (parts[i] !== '') pieces.push({ kind: 'literal', text: parts[i] });
    if (i + 2 < parts.length) pieces.push({ kind: 'hole', name: parts[i + 1], tokens: Number(parts[i + 2]) });
  }
  return fixedCanvas(pieces, tokenizer, tokens);
}
