/**
 * What the log says of loading models: that it begins, each quarter of a long phase, and the seconds it took.
 */
import type { Logger } from 'pino';
import type { ModelState } from './model/pool.ts';

/** Quarters that pass faster than this are not worth a line. */
const INTERVAL_MS = 1_000;

interface Load {
  readonly since: number;
  /** The last line's time, phase and quarter. */
  said: number;
  phase?: string;
  quarter: number;
}

/** A listener that writes to `log`. */
export function modelLog(log: Logger, now: () => number = () => performance.now()): (state: ModelState) => void {
  const loads = new Map<string, Load>();
  const seconds = ({ since }: Load) => Number(((now() - since) / 1000).toFixed(2));

  function loading({ id, phase, progress = 0 }: ModelState): void {
    const load = loads.get(id);
    if (load === undefined) {
      loads.set(id, { since: now(), said: now(), quarter: 0 });
      log.info({ model: id }, 'loading model');
      return;
    }
    const quarter = Math.floor(progress * 4);
    if (phase === load.phase && quarter <= load.quarter) return;
    if (phase !== load.phase) load.quarter = 0;
    load.phase = phase;
    if (now() - load.said < INTERVAL_MS) return;
    load.said = now();
    load.quarter = quarter;
    log.info({ model: id, phase, percent: quarter * 25, seconds: seconds(load) }, 'loading model');
  }

  const wasOpen = new Set<string>();
  return function logModel(state) {
    const { id, fault } = state;
    if (state.state === 'loading') {
      loading(state);
      return;
    }
    const load = loads.get(id);
    loads.delete(id);
    if (state.state === 'ready') {
      wasOpen.add(id);
      log.info({ model: id, seconds: load && seconds(load) }, 'model ready');
    } else if (load !== undefined) {
      log.error({ model: id, fault, seconds: seconds(load) }, 'model cannot be loaded');
    } else if (wasOpen.delete(id)) {
      log.info({ model: id }, 'model unloaded');
    }
  };
}
