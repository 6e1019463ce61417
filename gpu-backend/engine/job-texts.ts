/**
 * What a job consists of, settled before its first step: texts to be written, or questions to be answered. An engine runs both alike.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { AcceptedEvent } from '../../shared/contract/stream.ts';
import { decisionAccepted, prepareDecisions } from '../denoise/decision.ts';
import { acceptedEvent, type ConstraintMaker, prepareTasks } from '../denoise/task.ts';
import { decisionEvents } from './decision-events.ts';
import { type TextServices, textEvents } from './text-events.ts';
import type { Turn } from './turns.ts';
import type { SettledText } from './watch.ts';
import type { Resumption, WorkEvent } from './work.ts';

export interface JobTexts {
  readonly settled: readonly SettledText[];
  readonly accepted: readonly AcceptedEvent[];
  /** All that comes behind `accepted`. */
  events(): AsyncGenerator<WorkEvent, void>;
}

export interface JobTextsOptions {
  readonly resumption?: Resumption;
  readonly makeConstraint?: ConstraintMaker;
}

/** @throws ProblemError for whatever of the request this model cannot do */
export function prepareTexts(
  job: GenerationJob,
  services: TextServices,
  turn: Turn,
  { resumption, makeConstraint }: JobTextsOptions,
): JobTexts {
  const { request } = job;
  if (request.decision !== undefined) {
    const tasks = prepareDecisions(job, request.decision, turn.model);
    return {
      settled: tasks.map(({ positions }) => ({ positions, sampler: 'decision' })),
      accepted: tasks.map(decisionAccepted),
      // A question is a few evaluations: whoever takes it up begins anew.
      events: () => decisionEvents(tasks, services, turn),
    };
  }
  const tasks = prepareTasks(job, turn.model, makeConstraint);
  return {
    settled: tasks.map(({ constraint, sampler }) => ({ positions: constraint.positions, sampler: sampler.name })),
    accepted: tasks.map(acceptedEvent),
    events: () => textEvents(tasks, request, services, turn, resumption),
  };
}
