/**
 * A job begun at one of the services. Another one is tried only while nothing has come of the job: from its first event on it is that
 * service's, to its end.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { ProblemError } from '../../shared/contract/problem.ts';
import { signRequest } from '../../shared/contract/signature.ts';
import type { Env } from '../env.ts';
import { ending, started } from '../iteration.ts';
import { type Backend, BrokenOff, backendUnavailable, callBackend, REFUSALS } from './backend.ts';
import { orderOf } from './choose.ts';
import { eventsOf, type NumberedProgress } from './events.ts';
import { answered, failed } from './health.ts';
import { forgetModels, servicesWith } from './models.ts';
import { remember } from './places.ts';
import { keepVigil, probeDue } from './probe.ts';
import { dropJob } from './work.ts';

/** Services a job is tried at. A job that kills them would kill all there are. */
const TRIES = 3;
/** A service on the same continent answers sooner. */
const DROP_MS = 300;

/**
 * @returns its events, the first of which has come
 * @throws ProblemError why it was refused or came to nothing
 */
export async function beginSomewhere(
  env: Env,
  job: GenerationJob,
  signal: AbortSignal,
): Promise<AsyncGenerator<NumberedProgress>> {
  const arrived = Date.now();
  const tries = await triesFor(env, job);
  const problems: ProblemError[] = [];
  for (const [n, backend] of tries.entries()) {
    const left = job.deadline_ms && Math.max(1, job.deadline_ms - (Date.now() - arrived));
    try {
      return await begin(env, backend, { ...job, deadline_ms: left }, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof ProblemError)) throw error;
      const again = tries[n + 1];
      if (error.problem.code === 'unknown_model') forgetModels(backend);
      if (error instanceof BrokenOff && again !== backend) await drop(env, backend, job);
      problems.push(error);
      if (again === undefined || !mayGoElsewhere(error, again === backend)) throw kindest(problems);
    }
  }
  throw backendUnavailable();
}

/** The services to be tried, in this order; where there is but one, it twice: sent again there, a job is joined. */
async function triesFor(env: Env, job: GenerationJob): Promise<readonly Backend[]> {
  const having = servicesWith(env, job.request.model);
  const due = probeDue(env, having);
  let order = orderOf(having, Date.now());
  if (order.length === 0) {
    await due;
    order = orderOf(having, Date.now());
  }
  return having.length === 1 ? [...order, ...order] : order.slice(0, TRIES);
}

/** Whether another may do what this one did not; the same only where it may not have heard. */
function mayGoElsewhere(error: ProblemError, same: boolean): boolean {
  if (error instanceof BrokenOff) return true;
  return !same && (REFUSALS.has(error.problem.code) || error.problem.code === 'unknown_model');
}

/** Of what several said the last, unless one has room again in a while. */
function kindest(problems: readonly ProblemError[]): ProblemError | undefined {
  const wait = ({ problem: { retryAfter = 0 } }: ProblemError) => retryAfter;
  const full = problems.filter(({ problem: { code } }) => code === 'overloaded').sort((a, b) => wait(a) - wait(b));
  return full[0] ?? problems.at(-1);
}

/**
 * Tells a service that nobody wants what it was given. It is not waited for longer than it takes one that hears: whoever does not is no
 * more, or hears of the closed connection.
 */
async function drop(env: Env, backend: Backend, { id, owner }: GenerationJob): Promise<void> {
  if (owner === undefined) return;
  const { promise: long, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, DROP_MS);
  await Promise.race([dropJob(env, backend, { job: id, owner }), long]);
  clearTimeout(timer);
}

async function begin(env: Env, backend: Backend, job: GenerationJob, signal: AbortSignal) {
  const { health } = backend;
  const began = Date.now();
  const body = JSON.stringify(job);
  const signature = await signRequest(env.BACKEND_SECRET, { method: 'POST', path: '/generate', body });
  const headers = { 'content-type': 'application/json', accept: 'application/x-ndjson', ...signature };
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const open = async () => {
    const response = await callBackend(env, backend, '/generate', { method: 'POST', headers, body, signal: either });
    return started(eventsOf(response, { next: 0, texts: job.request.n ?? 1 }, either));
  };
  const vigil = keepVigil(env, backend);
  remember(job.id, backend.url);
  health.jobs++;
  try {
    const events = await Promise.race([open(), vigil.gone]);
    answered(health, Date.now() - began, Date.now());
    return ending(events, (end) => {
      health.jobs--;
      // What breaks off now is the end of the job, and counts against the service.
      if (end.how === 'failed') brokenOff(end.error, backend, signal);
    });
  } catch (error) {
    health.jobs--;
    over.abort();
    throw brokenOff(error, backend, signal) ? new BrokenOff((error as ProblemError).problem) : error;
  } finally {
    vigil.end();
  }
}

/** Whether a stream broke off that the service had begun; `callBackend` knows of what came before. */
function brokenOff(error: unknown, { health }: Backend, signal: AbortSignal): boolean {
  const broken =
    error instanceof ProblemError && !(error instanceof BrokenOff) && error.problem.code === 'backend_failed';
  if (broken && !signal.aborted) failed(health, Date.now());
  return broken;
}
