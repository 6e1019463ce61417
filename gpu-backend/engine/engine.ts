/**
 * Many requests on the loaded models: admission, the texts of each job side by side, the check before a text is handed out.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { ProblemError, problem } from '../../shared/contract/problem.ts';
import { acceptedEvent, type ConstraintMaker, prepareTasks } from '../denoise/task.ts';
import type { LoadedModel } from '../model/registry.ts';
import { createAdmission } from './admission.ts';
import { type Batcher, createBatcher } from './batch.ts';
import { type Capacity, capacityOf } from './capacity.ts';
import { type Counters, createCounters } from './counters.ts';

import type { EngineLoad } from './load.ts';

import type { Reader } from './reader.ts';
import { type Check, textEvents } from './text-events.ts';
import type { Resumption, WorkEvent } from './work.ts';

export type { CheckpointEvent, Resumption, WorkEvent } from './work.ts';

export interface EngineOptions {
  readonly models: readonly LoadedModel[];
  readonly check: Check;
  /** That of a processor by default. */
  readonly capacity?: Partial<Capacity>;
  readonly counters?: Counters;
  /** The constraint language; gpu-backend/denoise/constraint-for.ts by default. */
  readonly makeConstraint?: ConstraintMaker;
}

export interface Engine {
  /**
   * The events of a job: `accepted` for each text, then steps as they come, `done` for each text.
   * Breaking off the iteration or aborting the reader's signal stops the work before its next step; while his gate is shut it rests.
   *
   * @throws ProblemError before the first event for what is refused, behind it for what failed; the signal's reason
   */
  generate(job: GenerationJob, reader: Reader, resumption?: Resumption): AsyncGenerator<WorkEvent, void>;
  readonly models: readonly ModelSummary[];
  readonly load: EngineLoad;
}

export function createEngine({
  models,
  check,
  capacity: given,
  counters = createCounters(),
  makeConstraint,
}: EngineOptions): Engine {
  const capacity = { ...capacityOf('cpu'), ...given };
  const loaded = new Map<string, { model: LoadedModel; batcher: Batcher }>();
  for (const model of models) {
    const rows = Math.floor(capacity.bytes / (4 * model.session.vocabulary));
    const options = { ...capacity, rows, padding: model.manifest.tokens.pad, counters };
    loaded.set(model.manifest.id, { model, batcher: createBatcher(model.session, options) });
  }
  const admission = createAdmission(capacity);

  return {
    models: models.map((model) => model.summary),
    get load() {
      return admission.load;
    },
    async *generate(job, { signal, wants }, resumption) {
      const entry = loaded.get(job.request.model);
      if (entry === undefined) {
        const known = [...loaded.keys()].join(', ');
        throw problem('unknown_model', `there is no model "${job.request.model}"; there is: ${known}.`, {
          pointer: '/model',
        });
      }
      const texts = job.request.n ?? 1;
      // Room first: what waits is then a job of a few kilobytes, not its prepared constraint.
      const leave = await admission.enter(texts, signal).catch((reason) => {
        if (reason instanceof ProblemError) counters.add('texts_refused', texts);
        throw reason;
      });
      const stop = new AbortController();
      const either = AbortSignal.any([signal, stop.signal]);
      let unfinished = 0;
      try {
        const tasks = prepareTasks(job, entry.model, makeConstraint);
        unfinished = texts;
        counters.add('texts_started', texts);
        for (const task of tasks) yield acceptedEvent(task);
        const reader = { signal: either, wants };
        const all = textEvents(tasks, job.request, { batcher: entry.batcher, check, counters }, reader, resumption);
        for await (const event of all) {
          if (event.type === 'done') unfinished--;
          yield event;
        }
      } catch (reason) {
        if (!signal.aborted) {
          counters.add('texts_failed', unfinished);
          unfinished = 0;
        }
        throw reason;
      } finally {
        counters.add('texts_cancelled', unfinished);
        stop.abort(new Error('the job has ended'));
        leave();
      }
    },
  };
}
