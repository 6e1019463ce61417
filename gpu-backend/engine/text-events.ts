/**
 * The texts of a job as an engine hands them out: steps as they come, then the finished text, checked.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { DoneEvent, HeldConstraint } from '../../shared/contract/stream.ts';
import type { TextCheckpoint } from '../denoise/checkpoint.ts';
import { type DenoisedText, denoise } from '../denoise/loop.ts';
import type { Need } from '../denoise/need.ts';
import type { Task } from '../denoise/task.ts';
import type { Batcher, ModelCall } from './batch.ts';
import type { Counters } from './counters.ts';
import { merge } from './merge.ts';
import type { Turn } from './turns.ts';
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

/** What the texts of a job share. */
export interface TextServices {
  readonly batcher: Batcher;
  readonly check: Check;
  readonly counters: Counters;
}

/**
 * The events of the texts of a job behind their `accepted`, side by side: of each its steps, its checkpoints, its `done`.
 *
 * @throws ProblemError `check_failed` instead of a `done` that does not hold; Error for a checkpoint that is not of its text; the
 *   turn's signal's reason
 */
export async function* textEvents(
  tasks: readonly Task[],
  request: GenerationJob['request'],
  services: TextServices,
  turn: Turn,
  { from = [], checkpointEvery }: Resumption = {},
): AsyncGenerator<WorkEvent, void> {
  for (const { index } of from) {
    if (tasks[index]?.index !== index) throw new Error(`there is a checkpoint of text ${index}, and no text ${index}`);
  }
  const checkpoints = new Map(from.map((checkpoint) => [checkpoint.index, checkpoint]));
  yield* merge(
    tasks.map((task) => oneText(task, request, services, turn, checkpoints.get(task.index), checkpointEvery)),
  );
}

async function* oneText(
  task: Task,
  request: GenerationJob['request'],
  services: TextServices,
  turn: Turn,
  from: TextCheckpoint | undefined,
  checkpointEvery: number | undefined,
): AsyncGenerator<WorkEvent, void> {
  const { signal, watch } = turn;
  const called = (call: ModelCall) => watch?.called?.(task.index, call);
  const evaluate = (need: Need) => turn.evaluate(need, () => services.batcher.evaluate(need, signal, called));
  const steps = denoise(task, evaluate, { signal, from });
  let since = performance.now();
  let step = await steps.next();
  while (!step.done) {
    const { event, last, checkpoint } = step.value;
    watch?.stepped?.(event, since);
    yield event;
    const due = checkpointEvery !== undefined && (last || event.step % checkpointEvery === 0);
    if (due) yield { type: 'checkpoint', checkpoint: checkpoint() };
    since = performance.now();
    step = await steps.next();
  }
  yield doneEvent(task, step.value, request, services);
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
  const { text, holes, choiceProbabilities, usage } = ready;
  return {
    ...{ type: 'done', index: task.index, text, holes, constraints: held },
    ...(choiceProbabilities === undefined ? {} : { choice_probabilities: choiceProbabilities }),
    usage,
  };
}
