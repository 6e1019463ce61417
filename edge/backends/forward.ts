/** A generation as an inference service runs it: a signed request out, a stream of events back, whichever of the services it is. */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { ProblemError, problem, streamGone } from '../../shared/contract/problem.ts';
import type { Env } from '../env.ts';
import { started } from '../iteration.ts';
import { type Backend, BrokenOff, backendsOf, callBackend, signed } from './backend.ts';
import { eventsOf, type NumberedProgress } from './events.ts';
import { placeOf } from './places.ts';
import { beginSomewhere } from './tries.ts';
import { serviceOf } from './work.ts';

export type { NumberedProgress } from './events.ts';

/** What the service has beyond a job's deadline to say that it is over. */
const DEADLINE_MARGIN_MS = 2_000;

/**
 * Starts a generation and iterates over its events. Aborting `signal` closes the connection, and with it stops the work.
 * @throws ProblemError before the first event or between events, never instead of an incomplete end.
 */
export async function* generate(env: Env, job: GenerationJob, signal: AbortSignal): AsyncGenerator<NumberedProgress> {
  const { deadline_ms: deadlineMs } = job;
  const late = new AbortController();
  const timer = deadlineMs && setTimeout(() => late.abort(), deadlineMs + DEADLINE_MARGIN_MS);
  try {
    yield* await beginSomewhere(env, job, AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw problem('deadline_exceeded', `The text was not finished within ${deadlineMs} ms.`);
  } finally {
    clearTimeout(timer);
  }
}

/** A generation whose reader lost its stream. */
export interface Lost {
  readonly id: string;
  /** Who started it. */
  readonly owner: string;
  /** Number of the last event he has seen, -1 for none. */
  readonly after: number;
}

/**
 * Takes up the events of a generation behind the last one its reader has seen, at the service that has it.
 * @throws ProblemError `stream_gone` where no service knows it any more, and what `generate` throws.
 */
export async function* resume(env: Env, lost: Lost, signal: AbortSignal): AsyncGenerator<NumberedProgress> {
  const all = backendsOf(env);
  const likely = all.length === 1 ? all[0] : all.find(({ url }) => url === placeOf(lost.id));
  if (likely !== undefined) {
    const rest = await takeUp(env, likely, lost, signal).catch((error: unknown) => {
      if (all.length > 1 && mayBeElsewhere(error) && !signal.aborted) return undefined;
      throw error;
    });
    if (rest !== undefined) return yield* rest;
  }
  const backend = await serviceOf(env, { job: lost.id, owner: lost.owner });
  if (backend === undefined) throw streamGone();
  yield* await takeUp(env, backend, lost, signal);
}

const mayBeElsewhere = (error: unknown) =>
  error instanceof BrokenOff || (error instanceof ProblemError && error.problem.code === 'stream_gone');

async function takeUp(env: Env, backend: Backend, { id, owner, after }: Lost, signal: AbortSignal) {
  const path = `/jobs/${id}/events?${new URLSearchParams({ owner, after: String(after) })}`;
  const headers = { accept: 'application/x-ndjson', ...(await signed(env, 'GET', path)) };
  const response = await callBackend(env, backend, path, { headers, signal });
  return started(eventsOf(response, { next: after + 1 }, signal));
}
