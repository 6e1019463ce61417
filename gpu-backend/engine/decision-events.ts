/**
 * The questions of a job as an engine hands their answers out, side by side.
 */
import type { DoneEvent } from '../../shared/contract/stream.ts';
import { type Decided, decide } from '../denoise/decide.ts';
import type { DecisionTask } from '../denoise/decision.ts';
import type { Need } from '../denoise/need.ts';
import type { ModelCall } from './batch.ts';
import { merge } from './merge.ts';
import type { TextServices } from './text-events.ts';
import type { Turn } from './turns.ts';
import type { WorkEvent } from './work.ts';

/** The events of the questions behind their `accepted`. @throws the turn's signal's reason */
export function decisionEvents(
  tasks: readonly DecisionTask[],
  services: TextServices,
  turn: Turn,
): AsyncGenerator<WorkEvent, void> {
  return merge(tasks.map((task) => oneQuestion(task, services, turn)));
}

async function* oneQuestion(
  task: DecisionTask,
  { batcher, counters }: TextServices,
  turn: Turn,
): AsyncGenerator<WorkEvent, void> {
  const { signal, watch } = turn;
  const called = (call: ModelCall) => watch?.called?.(task.index, call);
  const steps = decide(task, (need: Need) => turn.evaluate(need, () => batcher.evaluate(need, signal, called)));
  const since = performance.now();
  let step = await steps.next();
  for (; !step.done; step = await steps.next()) {
    watch?.stepped?.(step.value, since);
    yield step.value;
  }
  counters.add('texts_finished');
  yield doneEvent(task, step.value);
}

/** The most probable option is the text. */
function doneEvent({ index, options }: DecisionTask, { probabilities, usage }: Decided): DoneEvent {
  const best = probabilities.indexOf(Math.max(...probabilities));
  return {
    ...{ type: 'done', index, text: options[best], holes: {}, constraints: [] },
    choice_probabilities: { text: options.map((choice, i) => ({ choice, probability: probabilities[i] })) },
    usage,
  };
}
