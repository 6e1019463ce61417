/**
 * Several models in one service: each opened when it is first asked for, kept while there is memory, and the one that nobody has used
 * for the longest time released when another needs the room.
 *
 * Who waits for memory is served in order. While somebody waits, new uses of open models queue behind: else a busy model would be
 * in use for ever, and what waits for its room would never come. All who wait for one model are served together.
 */
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { problem } from '../../shared/contract/problem.ts';
import { type LoadPhase, type ReportLoad, throttled } from './loading.ts';
import type { LoadedModel } from './registry.ts';

export interface PooledModel {
  readonly summary: ModelSummary;
  /** Bytes it takes while it is open. */
  readonly bytes: number;
  open(report: ReportLoad): Promise<LoadedModel>;
}

/** Where a model stands, as GET /readyz says it. */
export interface ModelState {
  readonly id: string;
  /** `waiting`: asked for, and there is no room yet. `unloaded`: opened when it is asked for. */
  readonly state: 'waiting' | 'loading' | 'ready' | 'unloaded';
  readonly phase?: LoadPhase;
  /** Share of the phase that is done. */
  readonly progress?: number;
  /** Why the last try to open it failed. */
  readonly fault?: string;
}

/** An open model, kept open until the lease is released. */
export interface ModelLease {
  readonly model: LoadedModel;
  release(): void;
}

export interface ModelPool {
  readonly summaries: readonly ModelSummary[];
  /**
   * The model, opened where it is not yet. Uses that come while it loads share the load, and it goes on when one of them aborts.
   * @throws the signal's reason; ProblemError overloaded, at once, where too many wait; Error where there is no such model, or it
   * cannot be opened: the next use tries again
   */
  use(id: string, signal: AbortSignal): Promise<ModelLease>;
}

export interface PoolOptions {
  /** Most bytes that open models may take together. No limit where it is absent. */
  readonly limitBytes?: number;
  /** Most uses that wait for models, so that no queue is unbounded. */
  readonly mostWaiting?: number;
  /** Told how each model stands, at once and at every change. */
  readonly onState?: (state: ModelState) => void;
}

interface Waiter {
  readonly grant: (lease: ModelLease) => void;
  readonly refuse: (reason: unknown) => void;
}

interface Place {
  readonly of: PooledModel;
  readonly id: string;
  stage: 'closed' | 'loading' | 'open' | 'closing';
  /** While it is open. */
  model?: LoadedModel;
  leases: number;
  /** Counts uses and their ends: the smallest has not been used for the longest time. */
  lastUse: number;
  readonly waiters: Set<Waiter>;
  progress: Pick<ModelState, 'phase' | 'progress'>;
  fault?: string;
}

/** Nobody knows how long a model takes to load: seconds, or minutes when it is quantised first. */
const RETRY_AFTER_S = 5;

const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;

/** @throws Error where one model alone takes more than the limit, or two have one id */
export function createPool(
  models: readonly PooledModel[],
  {
    limitBytes = Number.POSITIVE_INFINITY,
    mostWaiting = Number.POSITIVE_INFINITY,
    onState = () => {},
  }: PoolOptions = {},
): ModelPool {
  const places = new Map<string, Place>();
  for (const of of models) {
    const { id } = of.summary;
    if (places.has(id)) throw new Error(`two models have the id ${id}`);
    if (of.bytes > limitBytes) {
      throw new Error(
        `${id} takes ${megabytes(of.bytes)} of memory, and models may take ${megabytes(limitBytes)} together`,
      );
    }
    places.set(id, { of, id, stage: 'closed', leases: 0, lastUse: 0, waiters: new Set(), progress: {} });
  }
  /** Those that somebody waits for and that do not load yet. */
  const queue: Place[] = [];
  let uses = 0;

  function stateOf(place: Place): ModelState {
    const { id, stage, progress, fault } = place;
    if (stage === 'loading') return { id, state: 'loading', ...progress };
    if (stage === 'open') return { id, state: 'ready' };
    const state = queue.includes(place) ? 'waiting' : 'unloaded';
    return { id, state, ...(fault === undefined ? {} : { fault }) };
  }

  const tell = (place: Place) => onState(stateOf(place));

  function lease(place: Place, model: LoadedModel): ModelLease {
    place.leases++;
    place.lastUse = ++uses;
    let held = true;
    return {
      model,
      release() {
        if (!held) return;
        held = false;
        place.leases--;
        place.lastUse = ++uses;
        serve();
      },
    };
  }

  /** Hands an open model to all who wait for it. */
  function grant(place: Place, model: LoadedModel): void {
    const waiting = [...place.waiters];
    place.waiters.clear();
    for (const { grant } of waiting) grant(lease(place, model));
  }

  /** Goes on with those who wait, as far as there is room. */
  function serve(): void {
    while (queue.length > 0) {
      const [place] = queue;
      if (place.stage === 'closing' || (place.stage === 'closed' && !hasRoom(place.of.bytes))) return;
      queue.shift();
      if (place.model !== undefined) grant(place, place.model);
      else void load(place);
    }
  }

  /** Whether so many bytes are free. Where they are not but can be, begins to free them; `serve` is called again when they are. */
  function hasRoom(bytes: number): boolean {
    const sum = (some: readonly Place[]) => some.reduce((total, { of }) => total + of.bytes, 0);
    const all = [...places.values()];
    const held = sum(all.filter(({ stage }) => stage !== 'closed'));
    if (held + bytes <= limitBytes) return true;
    let lacking = held + bytes - limitBytes - sum(all.filter(({ stage }) => stage === 'closing'));
    const idle = all.filter(({ stage, leases }) => stage === 'open' && leases === 0);
    if (sum(idle) < lacking) return false;
    for (const place of idle.sort((a, b) => a.lastUse - b.lastUse)) {
      if (lacking <= 0) break;
      lacking -= place.of.bytes;
      void close(place);
    }
    return false;
  }

  async function load(place: Place): Promise<void> {
    place.stage = 'loading';
    place.progress = {};
    place.fault = undefined;
    tell(place);
    const report = throttled((phase, done, total) => {
      place.progress = { phase, progress: total === 0 ? 1 : done / total };
      tell(place);
    });
    try {
      const model = await place.of.open(report);
      place.model = model;
      place.stage = 'open';
      place.lastUse = ++uses;
      grant(place, model);
    } catch (reason) {
      place.stage = 'closed';
      place.fault = reason instanceof Error ? reason.message : String(reason);
      const waiting = [...place.waiters];
      place.waiters.clear();
      for (const { refuse } of waiting) refuse(reason);
    }
    tell(place);
    serve();
  }

  async function close(place: Place): Promise<void> {
    const { model } = place;
    place.stage = 'closing';
    place.model = undefined;
    tell(place);
    try {
      await model?.session.release();
    } catch (reason) {
      place.fault = reason instanceof Error ? reason.message : String(reason);
      tell(place);
    }
    place.stage = 'closed';
    serve();
  }

  function wait(place: Place, signal: AbortSignal): Promise<ModelLease> {
    const waiting = [...places.values()].reduce((sum, { waiters }) => sum + waiters.size, 0);
    if (waiting >= mostWaiting) {
      const detail = `${waiting} jobs wait for a model to be loaded, and at most ${mostWaiting} may.`;
      throw problem('overloaded', detail, { retryAfter: RETRY_AFTER_S });
    }
    const { promise, resolve, reject } = Promise.withResolvers<ModelLease>();
    const settled = () => signal.removeEventListener('abort', leave);
    const waiter: Waiter = {
      grant(lease) {
        settled();
        resolve(lease);
      },
      refuse(reason) {
        settled();
        reject(reason);
      },
    };
    function leave(): void {
      place.waiters.delete(waiter);
      reject(signal.reason);
      if (place.waiters.size > 0 || !queue.includes(place)) return;
      queue.splice(queue.indexOf(place), 1);
      tell(place);
      serve();
    }
    signal.addEventListener('abort', leave, { once: true });
    place.waiters.add(waiter);
    if (place.stage !== 'loading' && !queue.includes(place)) {
      queue.push(place);
      serve();
      if (queue.includes(place)) tell(place);
    }
    return promise;
  }

  for (const place of places.values()) tell(place);
  return {
    summaries: models.map(({ summary }) => summary),
    async use(id, signal) {
      signal.throwIfAborted();
      const place = places.get(id);
      if (place === undefined) throw new Error(`there is no model ${id}`);
      if (place.model !== undefined && queue.length === 0) return lease(place, place.model);
      return wait(place, signal);
    },
  };
}

/** A pool of models that are open already, and stay so. */
export function fixedModels(models: readonly LoadedModel[]): ModelPool {
  return {
    summaries: models.map(({ summary }) => summary),
    async use(id, signal) {
      signal.throwIfAborted();
      const model = models.find(({ manifest }) => manifest.id === id);
      if (model === undefined) throw new Error(`there is no model ${id}`);
      return { model, release() {} };
    },
  };
}
