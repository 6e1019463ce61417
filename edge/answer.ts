/** The two forms of an answer: one JSON object, or server-sent events. */
import type { GenerationJob } from '../shared/contract/generation.ts';
import { problemBody } from '../shared/contract/problem.ts';
import type { AcceptedEvent, DoneEvent, Usage } from '../shared/contract/stream.ts';
import { backendFailed } from './backend.ts';
import type { CacheStatus } from './cache.ts';
import { type CommittedPrefix, committedPrefix } from './committed-prefix.ts';
import type { ProgressEvent } from './forward.ts';
import { problemOf } from './middleware/errors.ts';

/** What every answer says about itself. */
export interface AnswerContext {
  readonly job: GenerationJob;
  readonly requestId: string;
  readonly cache: CacheStatus;
}

/** The body of an answer that is not streamed: one text at the top, several in `choices`. */
export async function jsonAnswer(events: AsyncIterable<ProgressEvent>, { job, cache }: AnswerContext) {
  let accepted: AcceptedEvent | undefined;
  const done: DoneEvent[] = [];
  for await (const event of events) {
    if (event.type === 'accepted') accepted ??= event;
    if (event.type === 'done') done.push(event);
  }
  if (accepted === undefined) throw backendFailed('it did not accept the request');
  const choices = done.sort((a, b) => a.index - b.index).map(({ type: _type, ...choice }) => choice);
  const head = {
    id: job.id,
    object: 'generation' as const,
    model: accepted.model,
    revision: accepted.revision,
    seed: job.request.seed,
  };
  if (job.request.n === undefined || job.request.n === 1) {
    const { index: _index, ...only } = choices[0];
    return { ...head, ...only, cache };
  }
  return { ...head, choices, usage: totalUsage(choices.map((choice) => choice.usage)), cache };
}

/** What several texts cost together. */
function totalUsage(parts: readonly Usage[]): Usage {
  const sum = (of: (usage: Usage) => number) => parts.reduce((total, usage) => total + of(usage), 0);
  const steps = sum((usage) => usage.denoising_steps);
  const committed = sum((usage) => usage.committed_per_step * usage.denoising_steps);
  return {
    positions: sum((usage) => usage.positions),
    denoising_steps: steps,
    model_evaluations: sum((usage) => usage.model_evaluations),
    positions_evaluated: sum((usage) => usage.positions_evaluated),
    committed_per_step: steps === 0 ? 0 : committed / steps,
  };
}

/** A server-sent event; data that is one line of JSON needs no escaping. */
function sse(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The end of a stream that is complete. A stream that ends without it broke off. */
const END = 'data: [DONE]\n\n';

/**
 * The server-sent events of a generation, as text. `steps` passes every event on; `text` sends what can no longer change.
 * A problem after the beginning becomes the last event, `problem`.
 */
export async function* sseAnswer(
  events: AsyncIterable<ProgressEvent>,
  mode: 'steps' | 'text',
  { cache, requestId }: AnswerContext,
): AsyncGenerator<string> {
  const prefixes = new Map<number, CommittedPrefix>();
  const text = (index: number, piece: string) =>
    piece === '' ? '' : sse('text', { type: 'text', index, text: piece });
  try {
    for await (const event of events) {
      if (mode === 'steps') {
        yield sse(event.type, event.type === 'accepted' ? { ...event, cache } : event);
        continue;
      }
      const { index } = event;
      if (event.type === 'accepted') {
        const prefix = committedPrefix(event);
        prefixes.set(index, prefix);
        yield sse('accepted', { ...event, cache }) + text(index, prefix.start());
      } else if (event.type === 'step') {
        const piece = text(index, prefixes.get(index)?.step(event) ?? '');
        if (piece !== '') yield piece;
      } else {
        yield text(index, prefixes.get(index)?.done(event) ?? event.text) + sse('done', event);
      }
    }
    yield END;
  } catch (error) {
    yield sse('problem', { type: 'problem', problem: problemBody(problemOf(error, requestId), requestId) });
  }
}
