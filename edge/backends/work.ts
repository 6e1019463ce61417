/** What a job did, asked of all inference services: what it is paid by when nobody listened to its end. */
import type { JobWork } from '../../shared/contract/job-work.ts';
import { ProblemError } from '../../shared/contract/problem.ts';
import type { Env } from '../env.ts';
import { type Backend, backendFailed, backendsOf, backendUnavailable, callBackend, signed } from './backend.ts';

/** A service waits up to 2 s for the end of a job; slower than this is as good as down. */
const TIMEOUT_MS = 5_000;

export interface NamedJob {
  /** 'gen_...' */
  readonly job: string;
  readonly owner: string;
}

/**
 * What a job did; undefined where no service knows it.
 * @throws ProblemError `backend_unavailable` where it may be known to one that cannot be reached
 */
export function workOf(env: Env, { job, owner }: NamedJob): Promise<JobWork | undefined> {
  return ask(env, 'GET', `/jobs/${job}/work?${new URLSearchParams({ owner })}`);
}

/**
 * Its reader has left for good: ends a job, unless somebody else reads it, and says what it did.
 * @returns and throws what `workOf` does
 */
export function endJob(env: Env, { job, owner }: NamedJob): Promise<JobWork | undefined> {
  return ask(env, 'DELETE', `/jobs/${job}?${new URLSearchParams({ owner })}`);
}

/**
 * The service that has done most for a job, so that it is the one to go on with; undefined where no service has done anything for it.
 * @throws ProblemError `backend_unavailable` where it may be one that cannot be reached
 */
export async function serviceOf(env: Env, { job, owner }: NamedJob): Promise<Backend | undefined> {
  const best = await askAll(env, 'GET', `/jobs/${job}/work?${new URLSearchParams({ owner })}`);
  return best === undefined || rank(best.work) === 0 ? undefined : best.backend;
}

async function ask(env: Env, method: 'GET' | 'DELETE', path: string): Promise<JobWork | undefined> {
  return (await askAll(env, method, path))?.work;
}

interface Known {
  readonly backend: Backend;
  readonly work: JobWork;
}

/**
 * A request that comes to nothing at one service is tried at another: then several know the job, and one of them did it.
 */
async function askAll(env: Env, method: 'GET' | 'DELETE', path: string): Promise<Known | undefined> {
  const answers = await Promise.allSettled(
    backendsOf(env).map(async (backend) => ({ backend, work: await askOne(env, backend, method, path) })),
  );
  let best: Known | undefined;
  for (const answer of answers) {
    if (answer.status === 'rejected' || answer.value.work === undefined) continue;
    const { backend, work } = answer.value;
    if (best === undefined || furtherThan(work, best.work)) best = { backend, work };
  }
  // One that did nothing for the job says nothing of another that is not there.
  const silent = answers.some(({ status }) => status === 'rejected');
  if (silent && (best === undefined || rank(best.work) === 0)) throw backendUnavailable();
  return best;
}

/**
 * A service that was given a job and then broke off: it is told that nobody wants it, and that nothing it did counts. It may be out of
 * reach; then the closed connection has told it the first, or it is no more.
 */
export async function dropJob(env: Env, backend: Backend, { job, owner }: NamedJob): Promise<void> {
  await askOne(env, backend, 'DELETE', `/jobs/${job}?${new URLSearchParams({ owner, unread: '1' })}`).catch(() => {});
}

async function askOne(env: Env, backend: Backend, method: 'GET' | 'DELETE', path: string) {
  const headers = await signed(env, method, path);
  try {
    const init = { method, headers: { ...headers }, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const response = await callBackend(env, backend, path, init);
    return readWork(await response.json().catch(() => undefined));
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === 'stream_gone') return undefined;
    throw error;
  }
}

function readWork(value: unknown): JobWork {
  const work = value as JobWork | undefined;
  if (typeof work?.state !== 'string' || !Array.isArray(work.texts))
    throw backendFailed('what a job did cannot be read');
  return work;
}

/** 0: nothing ran here. */
function rank({ state, outcome, texts }: JobWork): number {
  if (outcome === 'done') return 3;
  if (state === 'running') return 2;
  return texts.length > 0 ? 1 : 0;
}

function furtherThan(a: JobWork, b: JobWork): boolean {
  const steps = ({ texts }: JobWork) => texts.reduce((sum, text) => sum + text.denoising_steps, 0);
  return rank(a) - rank(b) > 0 || (rank(a) === rank(b) && steps(a) > steps(b));
}
