/** Work of which only what it says matters: steps of any size, as many as wanted, that rest at the reader's gate as an engine's do. */
import type { Reader } from '../../../gpu-backend/engine/reader.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { problem } from '../../../shared/contract/problem.ts';
import type { StepEvent } from '../../../shared/contract/stream.ts';
import { wait } from './common.ts';

export function stepOf(n: number, bytes = 0): StepEvent {
  const committed = bytes === 0 ? [] : [{ position: 0, text: 'x'.repeat(bytes), confidence: 1 }];
  return { type: 'step', index: 0, step: n, committed, remasked: [], masks_left: 0 };
}

interface Talk {
  readonly steps?: number;
  /** Of the text of each step. */
  readonly bytes?: number;
  /** Of each step. */
  readonly ms?: number;
  /** Number of the step that fails. */
  readonly fail?: number;
}

export function talkative({ steps = 5, bytes = 0, ms = 0, fail }: Talk = {}) {
  const state = { started: 0, made: 0, ended: 0 };
  async function* generate(_job: GenerationJob, { signal, wants }: Reader) {
    state.started++;
    try {
      for (let n = 0; n < steps; n++) {
        await wants.opened(signal);
        if (ms > 0) await wait(ms);
        signal.throwIfAborted();
        if (n === fail) throw problem('check_failed', 'no');
        state.made++;
        yield stepOf(n, bytes);
      }
    } finally {
      state.ended++;
    }
  }
  return { state, generate };
}
