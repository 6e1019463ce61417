import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';

/** The refusal of a job whose model is none of these; undefined where it is one. */
export function unknownModel(id: string, models: readonly ModelSummary[]): ProblemError | undefined {
  if (models.some((model) => model.id === id)) return undefined;
  const known = models.map((model) => model.id).join(', ');
  return problem('unknown_model', `there is no model "${id}"; there is: ${known}.`, { pointer: '/model' });
}
