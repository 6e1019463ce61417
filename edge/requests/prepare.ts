/** From a body to a job in which nothing is left to chance, or to the reason why there is none. */
import type { Context } from 'hono';
import { type GenerationJob, generationSchema } from '../../shared/contract/generation.ts';
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { mostWork, type Work } from '../../shared/contract/price.ts';
import { findModel, readModels } from '../backends/models.ts';
import type { EdgeTypes } from '../env.ts';
import { jobIdentifier, randomSeed } from '../identifier.ts';
import type { Tally } from '../ledger/protocol.ts';
import { refuse } from './refuse.ts';
import { validate } from './validate.ts';

/** Within this a text is finished, or refused as late. */
export const DEADLINE_MS = 120_000;
/** For so long a stream waits for a reader who lost it. */
export const RESUME_MS = 15_000;
/** By then whoever runs a request has said what became of it, or never will. */
export const HOLD_MS = DEADLINE_MS + RESUME_MS + 15_000;

export interface Prepared {
  readonly job: GenerationJob;
  readonly model: ModelSummary;
  /** Whether the same request gives the same bytes: its seed is given, or its temperature is 0. */
  readonly deterministic: boolean;
  /** The most that each of its texts can come to. */
  readonly most: readonly Work[];
  /** Where it is the run of a preset: whose, and what it counts towards. */
  readonly preset?: string;
  readonly tallies?: readonly Tally[];
}

/** What makes a job of a body; each kind of request has its own. */
export type Prepare = (c: Context<EdgeTypes>, body: unknown) => Promise<Prepared>;

/**
 * Validates a body of the native shape (that of the request, or what a compatible one becomes), finds its model, refuses what cannot be and fixes the seed. No model runs here.
 * @throws ProblemError whichever refusal is due.
 */
export async function prepare(c: Context<EdgeTypes>, body: unknown): Promise<Prepared> {
  const request = validate(generationSchema, body);
  const model = findModel(await readModels(c.env), request.model);
  const tokens = refuse(request, model);
  const deterministic = request.seed !== undefined || request.temperature === 0;
  // At temperature 0 a seed still decides ties and, for some samplers, which positions are kept: one fixed seed, then.
  const seed = request.seed ?? (deterministic ? 0 : randomSeed());
  const job: GenerationJob = {
    id: jobIdentifier(c.get('requestId')),
    request: { ...request, model: model.id, seed },
    deadline_ms: DEADLINE_MS,
    // Who may ask what it did.
    owner: c.get('caller').account,
    // Only a stream has numbers to come back with; whatever else is left unread ends at once.
    ...(request.stream ? { resume_ms: RESUME_MS } : {}),
  };
  const most = Array.from({ length: request.n ?? 1 }, () => mostWork(request, tokens));
  return { job, model, deterministic, most };
}
