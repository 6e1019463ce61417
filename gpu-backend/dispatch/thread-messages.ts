/**
 * What the thread of the routes and the thread of the engine say to each other. A `call` numbers one question and its answers.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import type { Problem } from '../../shared/contract/problem.ts';
import type { Resumption, WorkEvent } from '../engine/engine.ts';
import type { EngineLoad } from '../engine/load.ts';
import type { MetricsSnapshot } from '../engine/metrics.ts';
import type { ModelState } from '../model/pool.ts';

/** From the routes to the engine. */
export type ToEngine =
  | { readonly type: 'generate'; readonly call: number; readonly job: GenerationJob; readonly resumption?: Resumption }
  /** The reader is away or behind; he wants more again. */
  | { readonly type: 'rest' | 'go'; readonly call: number }
  | { readonly type: 'abort'; readonly call: number }
  | { readonly type: 'metrics' | 'load'; readonly call: number }
  | { readonly type: 'drain'; readonly call: number; readonly graceMs: number }
  /** The thread is to end, with whatever is left. */
  | { readonly type: 'stop' };

/** From the engine to the routes. */
export type FromEngine =
  | { readonly type: 'ready'; readonly models: readonly ModelSummary[] }
  /** How a model stands now. */
  | { readonly type: 'model'; readonly model: ModelState }
  /** The models could not be loaded. */
  | { readonly type: 'unloadable'; readonly reason: string }
  | { readonly type: 'event'; readonly call: number; readonly event: WorkEvent }
  /** The end of a job, of a drain; the answer to what was asked. */
  | { readonly type: 'end'; readonly call: number; readonly answer?: MetricsSnapshot | EngineLoad }
  | { readonly type: 'problem'; readonly call: number; readonly problem: Problem }
  | { readonly type: 'failure'; readonly call: number; readonly reason: unknown };

/** One end of the line between the two threads: a MessagePort or a Worker. */
export interface Line<Sent, Received> {
  postMessage(message: Sent): void;
  on(event: 'message', listener: (message: Received) => void): unknown;
}
