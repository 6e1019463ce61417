/** A saved request is judged as one of its runs would be, with its variables at their bounds: what no run can be is refused now. */
import { generationSchema } from '../../shared/contract/generation.ts';
import type { SavedRequest } from '../../shared/contract/preset.ts';
import { findModel, readModels } from '../backends/models.ts';
import type { Env } from '../env.ts';
import { refuse } from '../requests/refuse.ts';
import { validate } from '../requests/validate.ts';
import type { Samples } from './check-variables.ts';
import { fill } from './placeholders.ts';
import { repointed, withinRequest } from './repointed.ts';

/** @throws ProblemError with pointers into the preset */
export async function checkRequest(env: Env, request: SavedRequest, samples: Samples): Promise<void> {
  const models = await readModels(env);
  for (const which of ['shortest', 'longest'] as const) {
    const values = samples[which];
    const note = Object.keys(values).length === 0 ? '' : `(Judged with its variables at their ${which}.)`;
    const judge = () => {
      const filled = validate(
        generationSchema,
        fill(request, (name) => values[name]),
      );
      refuse(filled, findModel(models, filled.model));
    };
    await repointed(withinRequest, judge, note);
  }
}
