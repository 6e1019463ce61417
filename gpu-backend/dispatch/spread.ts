/**
 * Dispatch to several engines of this process as if they were one: a job goes to the engine that has the least to do.
 *
 * What an engine has to do is the predicted work that is left of its jobs, not their number: one may be eight tokens in a few steps,
 * another two hundred in as many. Each engine admits, queues and refuses by itself.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { ProblemError } from '../../shared/contract/problem.ts';
import type { Resumption, WorkEvent } from '../engine/engine.ts';
import { togetherExposition } from '../engine/metrics.ts';
import { createPredictor } from '../engine/predict.ts';
import type { Reader } from '../engine/reader.ts';
import type { ModelState } from '../model/pool.ts';
import { type LocalDispatch, unavailable } from './dispatch.ts';
import { createShares, type Shares } from './shares.ts';
import type { ThreadDispatch } from './thread.ts';

export interface SpreadDispatch extends LocalDispatch {
  /** Resolves when every engine is ready; rejects when one cannot be. */
  readonly ready: Promise<void>;
  /** Prometheus text of what the engines count, together. */
  metrics(): Promise<string>;
}

type Worker = Omit<ThreadDispatch, 'ended'> & { readonly shares: Shares };

// An engine that would first have to open the model has so much more to do: a second or two of work for a small model. So a model
// stays where it is open, and under load is opened elsewhere too.
const POSITIONS_TO_OPEN = 10_000;

/** @param places texts that one engine denoises at once */
export function spreadWork(engines: readonly Omit<ThreadDispatch, 'ended'>[], places: number): SpreadDispatch {
  const workers: readonly Worker[] = engines.map((engine) => ({ ...engine, shares: createShares() }));
  const [first] = workers;
  const predictor = createPredictor();
  const ready = Promise.all(workers.map((worker) => worker.ready)).then(() => {});
  ready.catch(() => {}); // whoever awaits it sees why; it need not be anybody

  function unready(): string | undefined {
    const reasons = workers.map((worker) => worker.unready());
    return reasons.find((reason) => reason === 'stopped') ?? reasons.find((reason) => reason !== undefined);
  }

  const parametersOf = (model: string) => Math.max(1, first.models().find(({ id }) => id === model)?.parameters ?? 1);

  /** Those where a job would begin at once before those where it would wait; of both, those with the least work first. */
  function leastFirst({ request: { model, n = 1 } }: GenerationJob): Worker[] {
    const opening = POSITIONS_TO_OPEN * parametersOf(model);
    const ranked = workers.map((worker) => {
      const { work, texts } = worker.shares;
      const open = worker.states?.().some(({ id, state }) => id === model && state === 'ready');
      const waits = texts > 0 && texts + n > places;
      return { worker, waits: Number(waits), work: work + (open ? 0 : opening) };
    });
    return ranked.sort((a, b) => a.waits - b.waits || a.work - b.work).map(({ worker }) => worker);
  }

  /** The events of a job by one engine; until they end, it has the work. */
  async function* generateBy(worker: Worker, job: GenerationJob, reader: Reader, resumption?: Resumption) {
    const { request } = job;
    const parameters = parametersOf(request.model);
    const share = worker.shares.add(predictor.predict(request, parameters), request.n ?? 1);
    share.rest(!reader.wants.open);
    const forget = reader.wants.onChange((open) => share.rest(!open));
    let positions = 0;
    try {
      for await (const event of worker.generate(job, reader, resumption)) {
        if (event.type === 'done') {
          share.finished();
          positions += event.usage.positions_evaluated;
        }
        yield event;
      }
      predictor.learn(request, parameters, positions * parameters);
    } finally {
      forget();
      share.leave();
    }
  }

  async function* generate(
    job: GenerationJob,
    reader: Reader,
    resumption?: Resumption,
  ): AsyncGenerator<WorkEvent, void> {
    reader.signal.throwIfAborted();
    const reason = unready();
    if (reason !== undefined) throw unavailable(reason);
    const refusals: ProblemError[] = [];
    for (const worker of leastFirst(job)) {
      let begun = false;
      try {
        for await (const event of generateBy(worker, job, reader, resumption)) {
          begun = true;
          yield event;
        }
        return;
      } catch (thrown) {
        if (begun || !isRefusal(thrown)) throw thrown;
        refusals.push(thrown);
      }
    }
    throw soonest(refusals);
  }

  return {
    ready,
    unready,
    models: () => first.models(),
    states: () => togetherStates(workers.map((worker) => worker.states?.() ?? [])),
    async load() {
      const loads = await Promise.all(workers.map((worker) => worker.load()));
      const sum = (of: 'running' | 'waiting' | 'room') => loads.reduce((all, load) => all + load[of], 0);
      // They work side by side: all is done when the last of them is.
      const backlogSeconds = Math.max(...loads.map((load) => load.backlogSeconds));
      return { running: sum('running'), waiting: sum('waiting'), backlogSeconds, room: sum('room') };
    },
    metrics: async () => togetherExposition(await Promise.all(workers.map((worker) => worker.metrics()))),
    generate,
    async drain(graceMs) {
      await Promise.all(workers.map((worker) => worker.drain(graceMs)));
    },
  };
}

function isRefusal(thrown: unknown): thrown is ProblemError {
  return thrown instanceof ProblemError && thrown.problem.code === 'overloaded';
}

/** The refusal of the engine that will have room first. */
function soonest(refusals: readonly ProblemError[]): ProblemError {
  const retryAfter = ({ problem }: ProblemError) => problem.retryAfter ?? 0;
  return refusals.reduce((a, b) => (retryAfter(b) < retryAfter(a) ? b : a));
}

/** What is said of a model that stands differently in several engines: what is being done or has failed; else whether it is open anywhere. */
const SAID_FIRST = ['loading', 'waiting', 'failed', 'ready', 'unloaded'];

function togetherStates(engines: readonly (readonly ModelState[])[]): ModelState[] {
  const rank = ({ state, fault }: ModelState) =>
    SAID_FIRST.indexOf(state === 'unloaded' && fault !== undefined ? 'failed' : state);
  const said = new Map<string, ModelState>();
  for (const state of engines.flat()) {
    const other = said.get(state.id);
    if (other === undefined || rank(state) < rank(other)) said.set(state.id, state);
  }
  return [...said.values()];
}
