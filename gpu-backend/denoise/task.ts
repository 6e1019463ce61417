/**
 * One text to be made: everything that is settled before its first step, and refused here or never.
 */
import { denoisingOf } from '../../shared/contract/effort.ts';
import type { GenerationJob, KvCache } from '../../shared/contract/generation.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { AcceptedEvent } from '../../shared/contract/stream.ts';
import type { LoadedModel } from '../model/registry.ts';
import { type Block, countMasks, planBlocks } from './blocks.ts';
import { type Layout, layOut } from './canvas.ts';
import { type Conditioned, condition } from './conditioned.ts';
import { type Constraint, MASKED } from './constraint.ts';
import { constraintFor } from './constraint-for.ts';
import { chooseSampler } from './samplers/choose.ts';
import type { Sampler } from './samplers/sampler.ts';
import { tokenText } from './text-tokens.ts';

export interface Task {
  readonly id: string;
  /** Which of the n texts of the job. */
  readonly index: number;
  readonly seed: number;
  readonly model: LoadedModel;
  readonly constraint: Constraint;
  readonly layout: Layout;
  readonly sampler: Sampler;
  /** Ceiling of denoising steps. */
  readonly steps: number;
  readonly blocks: readonly Block[];
  /** True when the answer is to carry the probability of each choice. */
  readonly choiceProbabilities: boolean;
  /** 0: the most likely text. */
  readonly temperature: number;
  /** Divides the probability of a token for each time it stands in the text already; 1: nothing. */
  readonly repetitionPenalty: number;
  /** Whether blocks are worked on beside cached keys and values of what lies outside them. */
  readonly kvCache: KvCache;
}

// Below this a division of the logits leaves float32's range; the likeliest text is what such a temperature asks for.
const LEAST_TEMPERATURE = 1e-3;

/**
 * From a job and the number of tokens that condition its texts to the constraint of each of its texts, by index: what all texts share is prepared once.
 * Both calls throw ProblemError for what cannot be held.
 */
export type ConstraintMaker = (
  job: GenerationJob,
  model: LoadedModel,
  conditioning: number,
) => (index: number) => Constraint;

/**
 * Settles the texts of a job.
 *
 * @throws ProblemError for whatever of the request this model cannot do
 */
export function prepareTasks(
  job: GenerationJob,
  model: LoadedModel,
  makeConstraint: ConstraintMaker = constraintFor,
): Task[] {
  const conditioned = condition(job.request, model.manifest, model.tokenizer);
  const constraintOf = makeConstraint(job, model, conditioned.prefix.length);
  return Array.from({ length: job.request.n ?? 1 }, (_, index) =>
    prepareTask(job, index, model, conditioned, constraintOf(index)),
  );
}

function prepareTask(
  job: GenerationJob,
  index: number,
  model: LoadedModel,
  conditioned: Conditioned,
  constraint: Constraint,
): Task {
  const { request } = job;
  const { settings, temperature, stepsFor } = denoisingOf(request);
  const { keepsCaches } = model.session;
  const kvCache = keepsCaches ? (settings.kv_cache ?? 'none') : 'none';
  if ((request.diffusion?.kv_cache ?? kvCache) !== kvCache) {
    const detail = `diffusion.kv_cache is "${settings.kv_cache}", and this service keeps no keys and values on its device; it may be "none".`;
    throw problem('invalid_request', detail, { pointer: '/diffusion/kv_cache' });
  }
  const sampler = chooseSampler(settings, model.manifest);
  const layout = layOut(conditioned, request, model.manifest, constraint.positions);
  const masks = countMasks(constraint.fixed);
  const asked = stepsFor(masks);
  const steps = sampler.alwaysCommits ? Math.min(asked, masks) : asked;
  return {
    id: job.id,
    index,
    seed: request.seed,
    model,
    constraint,
    layout,
    sampler,
    steps: masks === 0 ? 0 : steps,
    choiceProbabilities: request.choice_probabilities ?? false,
    blocks: masks === 0 ? [] : planBlocks(constraint.fixed, steps, settings.block),
    temperature: temperature < LEAST_TEMPERATURE ? 0 : temperature,
    repetitionPenalty: settings.repetition_penalty ?? 1,
    kvCache,
  };
}

/** The first event of a text. */
export function acceptedEvent(task: Task): AcceptedEvent {
  const { manifest, tokenizer } = task.model;
  const fixed = [...task.constraint.fixed]
    .map((token, position) => ({ token, position }))
    .filter(({ token }) => token !== MASKED)
    .map(({ token, position }) => tokenText(position, tokenizer.tokenBytes(token)));
  const { id, seed, index, steps } = task;
  return {
    type: 'accepted',
    id,
    model: manifest.id,
    revision: manifest.revision,
    seed,
    index,
    positions: task.constraint.positions,
    fixed,
    steps,
  };
}
