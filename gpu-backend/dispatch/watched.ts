/**
 * A dispatch whose jobs are watched.
 */
import { untilEnded, type Watcher, watchAll } from '../engine/watch.ts';
import type { Dispatch } from './dispatch.ts';

/** The same dispatch; every job is watched from its arrival to its end, by each of the watchers. */
export function watchWork<D extends Dispatch>(dispatch: D, watchers: readonly Watcher[]): D {
  return {
    ...dispatch,
    async *generate(job, reader, resumption) {
      const watch = watchAll(watchers, job);
      yield* untilEnded(dispatch.generate(job, { ...reader, watch }, resumption), reader.signal, watch.ended);
    },
  };
}
