/**
 * The mix of jobs that callers of the service ask for: every kind of constraint, short and long, one or two texts, every effort.
 */
import { compileConstraint } from '../shared/constraints/compile.ts';
import { decide } from '../shared/constraints/feasibility.ts';
import { EFFORTS, type GenerationJob, type GenerationRequest } from '../shared/contract/generation.ts';
import type { ModelSummary } from '../shared/contract/manifest.ts';
import { KINDS, type Kind, randomRequest, seeded, type Uniform } from './random-requests.ts';

const SEED = 20_261_126;
const SHORTEST = 8;
/** Kinds that say nothing of the length of the text. */
const OPEN: readonly Kind[] = ['free', 'include', 'exclude', 'facts'];
/** The longest phrase, and what has to stand around it: with fewer tokens only the service knows whether all fits. */
const ROOM = 16;
/** Share of the jobs that ask for two texts. */
const PAIRS = 0.25;

export type MixedRequest = GenerationJob['request'];

/**
 * So many requests, always the same ones for a model. Each can be satisfied.
 * @param longest most tokens of a text whose kind says nothing of its length
 */
export function mixOf(model: ModelSummary, count: number, longest: number): MixedRequest[] {
  const random = seeded(SEED);
  const requests: MixedRequest[] = [];
  for (let turn = 0; requests.length < count; turn++) {
    const kind = KINDS[turn % KINDS.length];
    const request = { ...mixed(kind, random, longest), model: model.id };
    if (isCheckable(request) && isSatisfiable(request, model)) requests.push(request);
  }
  return requests;
}

function mixed(kind: Kind, random: Uniform, longest: number): GenerationRequest & { readonly seed: number } {
  const { temperature, seed = 0, ...request } = randomRequest(kind, random);
  const below = (n: number) => Math.floor(random() * n);
  const shortest = kind === 'free' ? SHORTEST : ROOM;
  const most = shortest + below(longest - shortest + 1);
  const length = { unit: 'tokens' as const, min: Math.ceil(most * 0.75), max: most };
  return {
    ...request,
    seed,
    ...(OPEN.includes(kind) ? { length } : {}),
    // Half of the callers leave to the effort how adventurous it is.
    ...(random() < 0.5 ? { temperature } : {}),
    diffusion: { effort: EFFORTS[below(EFFORTS.length)] },
    ...(random() < PAIRS ? { n: 2 } : {}),
  };
}

/** Whether a reader can check all of it: he cannot tell which tokens of a text are those of a hole. */
function isCheckable({ holes = {} }: GenerationRequest): boolean {
  return Object.values(holes).every(({ tokens }) => tokens === undefined);
}

/** As the edge decides it. */
function isSatisfiable(request: GenerationRequest, { context, longestTokenBytes }: ModelSummary): boolean {
  const compiled = compileConstraint(request, { context });
  return decide(compiled, { tokens: compiled.tokens.max, longestTokenBytes }).satisfiable;
}
