/** Refusals that need no model: what is asked for does not exist, cannot be enforced, or cannot be. */
import { compileConstraint } from '../../shared/constraints/compile.ts';
import { decide } from '../../shared/constraints/feasibility.ts';
import { createMemo } from '../../shared/constraints/memo.ts';
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { suggestion } from '../../shared/contract/nearest.ts';
import { problem, unsatisfiable } from '../../shared/contract/problem.ts';
import { checkSampling } from '../../shared/contract/sampling.ts';

/** Fields of which one must be given; without any, nothing says what to write. */
const SUBJECTS = ['prompt', 'template', 'style', 'regex', 'json_schema', 'choices', 'include', 'facts'] as const;

/**
 * Lets a request pass or says why no text can answer it.
 * @returns the most tokens that one of its texts can have
 * @throws ProblemError with the pointer of the field, and for constraints the smallest set in conflict.
 */
export function refuse(request: GenerationRequest, model: ModelSummary): number {
  if (SUBJECTS.every((field) => request[field] === undefined)) {
    const detail = `The request must have at least one of ${SUBJECTS.join(', ')}; none was given.`;
    throw problem('invalid_request', detail, { pointer: '' });
  }
  refuseStyle(request, model);
  refuseDiffusion(request, model);
  return refuseConstraints(request, model);
}

function refuseConstraints(request: GenerationRequest, model: ModelSummary): number {
  const room = roomForText(request, model);
  const compiled = compileConstraint(request, { context: room });
  const limits = { tokens: Math.min(compiled.tokens.max, room), longestTokenBytes: model.longestTokenBytes };
  satisfiable.get(JSON.stringify([limits, constraintsOf(request)]), () => {
    const decision = decide(compiled, limits);
    if (!decision.satisfiable) throw unsatisfiable(decision.conflict, decision.achievable);
    return true;
  });
  return limits.tokens;
}

/** Callers ask the same of many texts, and finding one text that would do takes ten times what else there is to do here. */
const satisfiable = createMemo<true>(() => false);

/** A request without what no constraint depends on. */
function constraintsOf(request: GenerationRequest): Partial<GenerationRequest> {
  const { model, prompt, style, seed, n, temperature, diffusion, stream, cache, ...constraints } = request;
  return constraints;
}

/**
 * Most tokens that may be left for the text when style, prompt and facts stand before it. The edge knows no tokens, so it
 * counts the fewest these can take: what it refuses is impossible, and the service, which counts exactly, has the last word.
 */
function roomForText({ prompt, facts }: GenerationRequest, model: ModelSummary): number {
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  const least = (text: string) => (text === '' ? 0 : 1 + Math.ceil(bytes(text) / model.longestTokenBytes));
  const stated = Object.entries(facts ?? {}).map(([name, value]) => `${name}: ${value}`);
  // One token for the style, one that opens the text and one that ends it.
  const room = model.context - 3 - least(prompt ?? '') - least(stated.join('; '));
  if (room >= 1) return room;
  const detail = `Prompt and facts leave no room for a text: the model ${model.id} has ${model.context} tokens for all.`;
  throw problem('limit_exceeded', detail, { pointer: prompt === undefined ? '/facts' : '/prompt' });
}

function refuseStyle({ style }: GenerationRequest, model: ModelSummary): void {
  if (style === undefined) return;
  const [name, pointer] = typeof style === 'string' ? [style, '/style'] : [style.name, '/style/name'];
  const names = model.styles.map((known) => known.name);
  if (names.includes(name)) return;
  const given = JSON.stringify(name.slice(0, 80));
  const hint = suggestion(name, names) || `; it has ${names.length === 0 ? 'none' : names.join(', ')}.`;
  throw problem('unknown_style', `The model ${model.id} has no style ${given}${hint}`, { pointer });
}

/** A setting that would have no effect is refused, not ignored. */
function refuseDiffusion({ diffusion, style }: GenerationRequest, model: ModelSummary): void {
  if (diffusion !== undefined) checkSampling(diffusion, model);
  const strength = typeof style === 'object' ? style.strength : undefined;
  if (strength !== undefined && diffusion?.guidance !== undefined) {
    const detail = 'The fields /style/strength and /diffusion/guidance are both given; only one of them may be.';
    throw problem('invalid_request', detail, { pointer: '/style/strength' });
  }
  if (model.supports.guidance) return;
  const guided: [string, number | undefined][] = [
    ['/diffusion/guidance', diffusion?.guidance],
    ['/style/strength', strength],
  ];
  for (const [pointer, value] of guided) {
    if (value === undefined || value === 0) continue;
    throw problem('invalid_request', `The model ${model.id} does not support guidance (${pointer}).`, { pointer });
  }
}
