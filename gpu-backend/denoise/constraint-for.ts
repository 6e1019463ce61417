/**
 * The constraint of each text of a job: the single place where the loop meets the constraint language.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { createPreparer, type Preparer } from '../lattice/prepare.ts';
import type { LoadedModel } from '../model/registry.ts';
import type { Constraint } from './constraint.ts';
import { uniforms } from './random.ts';

const preparers = new WeakMap<LoadedModel, Preparer>();

function preparerOf(model: LoadedModel): Preparer {
  let preparer = preparers.get(model);
  if (preparer === undefined) {
    preparer = createPreparer(model.tokenizer, model.manifest.tokens.eos);
    preparers.set(model, preparer);
  }
  return preparer;
}

/** Layouts are drawn before the first step. */
const BEFORE_THE_FIRST_STEP = 0;
/** The end-of-text token that closes every canvas. */
const CLOSING_POSITIONS = 1;

/**
 * The constraints of a job's texts, by index, behind so many tokens of conditioning. Each text has a layout of its own, drawn from the seed.
 *
 * @throws ProblemError unsatisfiable_constraints, unsupported_constraint, invalid_template, limit_exceeded
 */
export function constraintFor(
  { request }: GenerationJob,
  model: LoadedModel,
  conditioning: number,
): (index: number) => Constraint {
  const context = Math.max(0, model.manifest.context - conditioning - CLOSING_POSITIONS);
  return (index) => {
    const random = uniforms(request.seed, index, BEFORE_THE_FIRST_STEP, 'proposal');
    return preparerOf(model).prepare(request, context, (draw) => random(-1, draw));
  };
}
