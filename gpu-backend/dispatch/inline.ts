/**
 * Dispatch within the process: the default, with nothing to install.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Engine, Resumption } from '../engine/engine.ts';
import type { Reader } from '../engine/reader.ts';
import { type LocalDispatch, unavailable } from './dispatch.ts';
import { createUnderWay } from './under-way.ts';

/** @param loading the engine, once its models are loaded; until then work is refused with backend_unavailable */
export function inlineDispatch(loading: Promise<Engine>): LocalDispatch {
  let engine: Engine | undefined;
  let draining = false;
  const breakOff = new AbortController();
  const jobs = createUnderWay();
  loading.then(
    (ready) => {
      engine = ready;
    },
    () => {}, // whoever started the loading sees why it failed; here it only never gets ready
  );
  const unready = () => {
    if (draining) return 'draining';
    return engine === undefined ? 'loading' : undefined;
  };

  async function* generate(job: GenerationJob, reader: Reader, resumption?: Resumption) {
    const reason = unready();
    if (reason !== undefined || engine === undefined) throw unavailable(reason ?? 'loading');
    try {
      const signal = AbortSignal.any([reader.signal, breakOff.signal]);
      yield* engine.generate(job, { ...reader, signal }, resumption);
    } catch (thrown) {
      if (breakOff.signal.aborted) throw problem('backend_unavailable', 'The inference service was shut down.');
      throw thrown;
    }
  }

  return {
    unready,
    models() {
      if (engine === undefined) throw unavailable('loading');
      return engine.models;
    },
    async load() {
      if (engine === undefined) throw unavailable('loading');
      return engine.load;
    },
    generate: (job, reader, resumption) => jobs.counting(generate(job, reader, resumption)),
    async drain(graceMs) {
      draining = true;
      const timer = setTimeout(() => breakOff.abort(new Error('the grace period is over')), graceMs);
      await jobs.ended();
      clearTimeout(timer);
    },
  };
}
