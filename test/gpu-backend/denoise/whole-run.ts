/**
 * One text from its beginning or from a checkpoint, with the checkpoint behind each of its steps as it comes back from storage.
 */
import type { TextCheckpoint } from '../../../gpu-backend/denoise/checkpoint.ts';
import { type DenoisedText, denoise } from '../../../gpu-backend/denoise/loop.ts';
import type { Task } from '../../../gpu-backend/denoise/task.ts';
import type { Batcher } from '../../../gpu-backend/engine/batch.ts';
import type { StepEvent } from '../../../shared/contract/stream.ts';

export interface WholeRun {
  readonly steps: readonly StepEvent[];
  /** The checkpoint behind each step. */
  readonly checkpoints: readonly TextCheckpoint[];
  readonly ready: DenoisedText;
  /** Evaluations that were asked for, twins not counted. */
  readonly asked: number;
}

const live = new AbortController().signal;
export const stored = (checkpoint: TextCheckpoint): TextCheckpoint => JSON.parse(JSON.stringify(checkpoint));

export async function wholeRun(task: Task, batcher: Batcher, from?: TextCheckpoint): Promise<WholeRun> {
  let asked = 0;
  const evaluate: Batcher['evaluate'] = (need, signal) => {
    asked++;
    return batcher.evaluate(need, signal);
  };
  const steps: StepEvent[] = [];
  const checkpoints: TextCheckpoint[] = [];
  const loop = denoise(task, (need) => evaluate(need, live), { from });
  let turn = await loop.next();
  for (; !turn.done; turn = await loop.next()) {
    steps.push(turn.value.event);
    checkpoints.push(stored(turn.value.checkpoint()));
  }
  return { steps, checkpoints, ready: turn.value, asked };
}

/** The first step behind a checkpoint, and the checkpoint behind that. */
export async function oneStep(task: Task, batcher: Batcher, from: TextCheckpoint) {
  const loop = denoise(task, (need) => batcher.evaluate(need, live), { from });
  const turn = await loop.next();
  if (turn.done) throw new Error('there is no step left');
  const result = { event: turn.value.event, checkpoint: stored(turn.value.checkpoint()) };
  await loop.return(undefined as never);
  return result;
}

/** All that is handed out, as it is sent: equal strings are equal bytes. */
export const sent = ({ steps, ready }: Pick<WholeRun, 'steps' | 'ready'>): string => JSON.stringify([steps, ready]);
