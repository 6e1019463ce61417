/** A run of a preset: the saved request with the values of this run, generated like any other and paid by the preset's account. */
import type { Context } from 'hono';
import { canonicalJson } from '../../shared/contract/canonical.ts';
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import { type PresetTerms, presetRunSchema } from '../../shared/contract/preset.ts';
import type { EdgeTypes } from '../env.ts';
import { type Prepare, prepare } from '../requests/prepare.ts';
import { validate } from '../requests/validate.ts';
import { type Run, run } from '../run/run.ts';
import { checkProtection } from '../sessions/protection.ts';
import { tallyOf } from '../sessions/token.ts';
import { findPreset } from './find.ts';
import { fill } from './placeholders.ts';
import { repointed, withinRequest } from './repointed.ts';
import type { StoredPreset } from './stored.ts';
import { talliesOf } from './tallies.ts';
import { nextSeed } from './turns.ts';
import { type Values, valuesOf } from './values.ts';

/** @throws ProblemError whichever refusal is due; pointers to what the preset asks for begin with /request */
export async function runPreset(c: Context<EdgeTypes>, id: string): Promise<Run> {
  const preset = await findPreset(c.env, c.var.caller, id);
  const { terms } = preset;
  c.var.trace.root.set({ preset: id });
  checkProtection(c, terms.protection);
  const { variables = {}, stream } = validate(presetRunSchema, c.var.body);
  const values = valuesOf(terms.variables, variables, c.var.session?.variables);
  return await repointed(withinRequest, () => {
    const request = { ...fill(terms.request, (name) => values[name]), ...drawn(id, terms, values), stream };
    return run(c, request, preparing(preset));
  });
}

/** How its text is drawn, and whether it is kept. */
function drawn(id: string, { variants }: PresetTerms, values: Values): Pick<GenerationRequest, 'seed' | 'cache'> {
  if (variants === undefined) return { cache: 'no-store' };
  return { seed: nextSeed(`${id} ${canonicalJson(values)}`, variants) };
}

function preparing(preset: StoredPreset): Prepare {
  return async function prepareRun(c, body) {
    const { job, ...prepared } = await prepare(c, body);
    // Who cannot take a stream up again leaves nothing behind that waits for him.
    const resumes = c.var.caller.scopes.includes('generate');
    const { session, visitor } = c.var;
    const tallies = [...(session === undefined ? [] : [tallyOf(session)]), ...talliesOf(preset, visitor)];
    return { ...prepared, job: resumes ? job : { ...job, resume_ms: undefined }, preset: preset.id, tallies };
  };
}
