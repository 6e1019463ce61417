/**
 * One text of a job as an engine hands it out: its steps as they come, then the finished text, checked.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { DoneEvent, HeldConstraint } from '../../shared/contract/stream.ts';
import { type DenoisedText, denoise } from '../denoise/loop.ts';
import type { Need } from '../denoise/need.ts';
import type { Task } from '../denoise/task.ts';
import type { Batcher } from './batch.ts';
import type { Counters } from './counters.ts';
import type { Reader } from './reader.ts';
import type { Resumption, WorkEvent } from './work.ts';

/** What the independent check says of a finished text. */
export interface CheckResult {
  readonly held: readonly HeldConstraint[];
  /** Each constraint that does not hold; empty for a text that may be handed out. */
  readonly failed: readonly { readonly pointer: string; readonly detail: string }[];
}

/** Tokens of a text and of each of its holes, the end-of-text tail not counted. */
export interface TokenCounts {
  readonly whole: number;
  readonly holes: Readonly<Record<string, number>>;
}

export type Check = (request: GenerationJob['request'], text: string, tokens: TokenCounts) => CheckResult;

/** What all texts of an engine share. */
export interface TextServices {
  readonly check: Check;
  readonly counters: Counters;
}

/**
 * The events of one text behind its `accepted`, or behind its checkpoint.
 *
 * @throws ProblemError `check_failed` instead of a `done` that does not hold; the reader's signal's reason
 */
export async function* textEvents(
  task: Task,
  request: GenerationJob['request'],
  batcher: Batcher,
  { signal, wants }: Reader,
  services: TextServices,
  { from, checkpointEvery }: Resumption = {},
): AsyncGenerator<WorkEvent, void> {
  const evaluate = async (need: Need) => {
    await wants.opened(signal);
    return batcher.evaluate(need, signal);
  };
  const steps = denoise(task, evaluate, { signal, from: from?.find(({ index }) => index === task.index) });
  let turn = await steps.next();
  for (; !turn.done; turn = await steps.next()) {
    const { event, last, checkpoint } = turn.value;
    yield event;
    if (checkpointEvery === undefined) continue;
    if (last || event.step % checkpointEvery === 0) yield { type: 'checkpoint', checkpoint: checkpoint() };
  }
  yield doneEvent(task, turn.value, request, services);
}

function doneEvent(
  task: Task,
  ready: DenoisedText,
  request: GenerationJob['request'],
  { check, counters }: TextServices,
): DoneEvent {
  const { held, failed } = check(request, ready.text, { whole: ready.tokens, holes: ready.holeTokens });
  if (failed.length > 0) {
    counters.add('check_failures');
    const [{ pointer, detail }] = failed;
    throw problem('check_failed', `The finished text did not hold ${pointer}: ${detail}`, { pointer });
  }
  counters.add('texts_finished');
  counters.add('denoising_steps', ready.usage.denoising_steps);
  counters.add('model_evaluations', ready.usage.model_evaluations);
  const { text, holes, choiceProbabilities, usage } = ready;
  return {
    ...{ type: 'done', index: task.index, text, holes, constraints: held },
    ...(choiceProbabilities === undefined ? {} : { choice_probabilities: choiceProbabilities }),
    usage,
  };
}
