/**
 * How work reaches an engine: what the routes know of whoever does it, in this process or on another machine.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { JobWork } from '../../shared/contract/job-work.ts';
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../shared/contract/stream.ts';
import type { Resumption, WorkEvent } from '../engine/engine.ts';
import type { EngineLoad } from '../engine/load.ts';
import type { Reader } from '../engine/reader.ts';
import type { ModelState } from '../model/pool.ts';

/** Why no work is taken now: loading, draining, stopped. */
export function unavailable(reason: string): ProblemError {
  return problem('backend_unavailable', `The inference service is ${reason}.`, { retryAfter: 1 });
}

export interface Dispatch {
  /**
   * The events of a job. Breaking off the iteration or aborting the reader's signal stops the work before its next step; while the
   * reader's gate is shut it rests.
   * @throws ProblemError before the first event for what is refused, behind it for what failed; the signal's reason
   */
  generate(job: GenerationJob, reader: Reader, resumption?: Resumption): AsyncGenerator<WorkEvent, void>;
  /**
   * The events, from the first on, of a job that was begun through another process and is there still.
   * @throws ProblemError stream_gone where there is no such job of this owner
   */
  attach?(id: string, owner: string, reader: Reader): AsyncGenerator<GenerationEvent, void>;
  /** What a job did that was begun through another process, and is known of still; undefined where there is no such job of this owner. */
  work?(id: string, owner: string): Promise<JobWork | undefined>;
  /** @throws ProblemError backend_unavailable while the models load */
  models(): readonly ModelSummary[];
  /** How the models of this machine stand; absent where they are elsewhere. */
  states?(): readonly ModelState[];
  /** Why no work can be taken now; undefined when it can. */
  unready(): string | undefined;
  /** Takes no new work and resolves when what is under way has ended, or has been broken off after `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

/** Dispatch to an engine of this machine. */
export interface LocalDispatch extends Dispatch {
  /** @throws ProblemError backend_unavailable while the models load and once the engine has stopped */
  load(): Promise<EngineLoad>;
}
