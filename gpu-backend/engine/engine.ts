/**
 * Many requests on the loaded models: admission, the texts of each job side by side, the check before a text is handed out.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import type { ConstraintMaker } from '../denoise/task.ts';
import type { ModelPool } from '../model/pool.ts';
import type { LoadedModel } from '../model/registry.ts';
import { createAdmission } from './admission.ts';
import { type Batcher, createBatcher } from './batch.ts';
import { type Capacity, capacityOf } from './capacity.ts';
import { type Counters, createCounters } from './counters.ts';
import { prepareTexts } from './job-texts.ts';
import type { EngineLoad } from './load.ts';
import { createPredictor } from './predict.ts';
import type { Reader } from './reader.ts';
import { createLounge } from './resting.ts';
import type { Check } from './text-events.ts';
import { outcomeOf, type TurnOptions, takeTurn } from './turns.ts';
import { unknownModel } from './unknown-model.ts';
import type { Resumption, WorkEvent } from './work.ts';

export type { CheckpointEvent, Resumption, WorkEvent } from './work.ts';

export interface EngineOptions {
  readonly models: ModelPool;
  readonly check: Check;
  /** That of a processor by default. */
  readonly capacity?: Partial<Capacity>;
  readonly counters?: Counters;
  /** Milliseconds of a job that states no deadline; 300 s by default. */
  readonly deadlineMs?: number;
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
  deadlineMs = 300_000,
  makeConstraint,
}: EngineOptions): Engine {
  const capacity = { ...capacityOf('cpu'), ...given };
  /** One for each open model, and gone with it. */
  const batchers = new WeakMap<LoadedModel, Batcher>();
  function batcherOf(model: LoadedModel): Batcher {
    let batcher = batchers.get(model);
    if (batcher === undefined) {
      const rows = Math.floor(capacity.bytes / (4 * model.session.vocabulary));
      batcher = createBatcher(model.session, { ...capacity, rows, padding: model.manifest.tokens.pad, counters });
      batchers.set(model, batcher);
    }
    return batcher;
  }
  const admission = createAdmission(capacity);
  const lounge = createLounge(capacity.resting, capacity.restAfterMs);
  const turns: TurnOptions = { models, admission, predictor: createPredictor(), lounge, counters, deadlineMs };

  return {
    models: models.summaries,
    get load() {
      return admission.load;
    },
    async *generate(job, reader, resumption) {
      const refusal = unknownModel(job.request.model, models.summaries);
      if (refusal !== undefined) throw refusal;
      // What waits for its turn is a job of a few kilobytes: its constraint is prepared behind it.
      const turn = await takeTurn(job, reader, turns);
      turn.watch?.admitted?.();
      const texts = job.request.n ?? 1;
      let unfinished = 0;
      let whole = false;
      try {
        const services = { batcher: batcherOf(turn.model), check, counters };
        const work = prepareTexts(job, services, turn, { resumption, makeConstraint });
        unfinished = texts;
        counters.add('texts_started', texts);
        turn.watch?.prepared?.(work.settled);
        yield* work.accepted;
        for await (const event of work.events()) {
          if (event.type === 'done') {
            unfinished--;
            turn.finished();
          }
          yield event;
        }
        whole = (resumption?.from ?? []).length === 0;
      } catch (reason) {
        if (!reader.signal.aborted) {
          counters.add(outcomeOf(reason), unfinished);
          unfinished = 0;
        }
        throw reason;
      } finally {
        counters.add('texts_cancelled', unfinished);
        turn.end(whole);
      }
    },
  };
}
