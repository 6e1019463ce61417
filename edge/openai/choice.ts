/** What a finished text tells beside its words, and what several texts cost, in OpenAI's terms and ours. */
import type { AcceptedEvent, DoneEvent } from '../../shared/contract/stream.ts';
import { totalUsage } from '../answers/answer.ts';
import type { PricedDone } from '../answers/priced.ts';
import { isImplied, ownPointer } from './origins.ts';
import type { Translation } from './translation.ts';

/** Members of a finished choice beyond OpenAI's: what was held, and the values of holes and choices that were asked for. */
export function extrasOf(done: DoneEvent, { origins, tellsHoles }: Translation): object {
  const { holes, constraints, choice_probabilities } = done;
  return {
    ...(tellsHoles ? { holes } : {}),
    constraints: constraints
      .filter(({ pointer }) => !isImplied(origins, pointer))
      .map((held) => ({ ...held, pointer: ownPointer(origins, held.pointer) })),
    ...(choice_probabilities === undefined ? {} : { choice_probabilities }),
  };
}

/**
 * `completion_tokens`: positions that were generated; `prompt_tokens`: positions at which the caller's own prompt and suffix stand, none where
 * the prompt stands beside the text. Together they are the positions that are paid for; our own members follow.
 */
export function usageOf(
  accepted: readonly AcceptedEvent[],
  done: readonly PricedDone[],
  { promptInText }: Translation,
): object {
  const usage = totalUsage(done.map((text) => text.usage));
  const given = promptInText ? accepted.reduce((sum, { fixed }) => sum + fixed.length, 0) : 0;
  return {
    prompt_tokens: given,
    completion_tokens: usage.positions - given,
    total_tokens: usage.positions,
    ...usage,
  };
}
