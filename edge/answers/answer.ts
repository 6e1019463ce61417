/** The two forms of an answer: one JSON object, or server-sent events. */
import type { CacheStatus } from '../../shared/contract/answer.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { PricedUsage } from '../../shared/contract/price.ts';
import { problemBody } from '../../shared/contract/problem.ts';
import type { AcceptedEvent } from '../../shared/contract/stream.ts';
import { backendFailed } from '../backends/backend.ts';
import { problemOf } from '../middleware/errors.ts';
import type { RequestTrace } from '../watching/trace.ts';
import { type CommittedPrefix, committedPrefix } from './committed-prefix.ts';
import type { PricedDone, PricedProgress } from './priced.ts';

/** What every answer says about itself. */
export interface AnswerContext {
  readonly requestId: string;
  readonly cache: CacheStatus;
  readonly trace: RequestTrace;
}

/** The body of an answer that is not streamed: one text at the top, several in `choices`. */
export async function jsonAnswer(
  events: AsyncIterable<PricedProgress>,
  { job, cache }: AnswerContext & { readonly job: GenerationJob },
) {
  const { accepted: all, done } = await collect(events);
  const [accepted] = all;
  const choices = done.map(({ type: _type, ...choice }) => choice);
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

/** How all texts of a request began and ended, in their order. */
export async function collect(
  events: AsyncIterable<PricedProgress>,
): Promise<{ readonly accepted: readonly AcceptedEvent[]; readonly done: readonly PricedDone[] }> {
  const accepted: AcceptedEvent[] = [];
  const done: PricedDone[] = [];
  for await (const { event } of events) {
    if (event.type === 'accepted') accepted.push(event);
    if (event.type === 'done') done.push(event);
  }
  if (accepted.length === 0) throw backendFailed('it did not accept the request');
  return { accepted, done: done.sort((a, b) => a.index - b.index) };
}

/** What several texts cost together. */
export function totalUsage(parts: readonly PricedUsage[]): PricedUsage {
  const sum = (of: (usage: PricedUsage) => number) => parts.reduce((total, usage) => total + of(usage), 0);
  const steps = sum((usage) => usage.denoising_steps);
  const committed = sum((usage) => usage.committed_per_step * usage.denoising_steps);
  return {
    positions: sum((usage) => usage.positions),
    denoising_steps: steps,
    model_evaluations: sum((usage) => usage.model_evaluations),
    positions_evaluated: sum((usage) => usage.positions_evaluated),
    committed_per_step: steps === 0 ? 0 : committed / steps,
    price: { origin: parts[0].price.origin, micro_dollars: sum((usage) => usage.price.micro_dollars) },
  };
}

/** How a generation is streamed. */
export type StreamMode = 'steps' | 'text';

/** What a server-sent event is called and what it says. */
type Message = readonly [name: string, data: unknown];

/**
 * Where a reader stands: number of an event of the generation and, as one event may be several messages of a text stream, which of
 * them. Written '7', and '7.1' for the second.
 */
export interface Place {
  readonly seq: number;
  readonly part: number;
}

/** Before the first message. */
export const START: Place = { seq: -1, part: 0 };

/** The place that an `id` names, undefined where it is none of ours. */
export function readPlace(id: string): Place | undefined {
  const [, seq, part = '0'] = /^(\d{1,9})(?:\.(\d))?$/.exec(id) ?? [];
  return seq === undefined ? undefined : { seq: Number(seq), part: Number(part) };
}

const isBehind = (place: Place, other: Place) =>
  place.seq > other.seq || (place.seq === other.seq && place.part > other.part);

/** A server-sent event; data that is one line of JSON needs no escaping. */
function sse([name, data]: Message, id?: string): string {
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** The end of a stream that is complete. A stream that ends without it broke off. */
export const END = 'data: [DONE]\n\n';

/**
 * The server-sent events of a generation, as text, behind those a reader has seen. `steps` passes every event on; `text` sends what
 * can no longer change. A problem after the beginning becomes the last event, `problem`; it has no id, so that whoever comes back
 * with the last one is told again.
 */
export async function* sseAnswer(
  events: AsyncIterable<PricedProgress>,
  mode: StreamMode,
  { cache, requestId, trace }: AnswerContext,
  seen: Place = START,
): AsyncGenerator<string> {
  const messages = mode === 'steps' ? stepMessages(cache) : textMessages(cache);
  try {
    for await (const { seq, event } of events) {
      const text = messages(event)
        .map((message, part) =>
          isBehind({ seq, part }, seen) ? sse(message, part === 0 ? `${seq}` : `${seq}.${part}`) : '',
        )
        .join('');
      if (text !== '') yield text;
    }
    yield END;
  } catch (error) {
    const value = problemOf(error, requestId);
    trace.root.set({ problem: value.code });
    yield sse(['problem', { type: 'problem', problem: problemBody(value, requestId) }]);
  }
}

type Messages = (event: PricedProgress['event']) => readonly Message[];

function stepMessages(cache: CacheStatus): Messages {
  return (event) => [[event.type, event.type === 'accepted' ? { ...event, cache } : event]];
}

function textMessages(cache: CacheStatus): Messages {
  const prefixes = new Map<number, CommittedPrefix>();
  const texts = (index: number, piece: string): Message[] =>
    piece === '' ? [] : [['text', { type: 'text', index, text: piece }]];
  return (event) => {
    const { index } = event;
    if (event.type === 'accepted') {
      const prefix = committedPrefix(event);
      prefixes.set(index, prefix);
      return [['accepted', { ...event, cache }], ...texts(index, prefix.start())];
    }
    if (event.type === 'step') return texts(index, prefixes.get(index)?.step(event) ?? '');
    return [...texts(index, prefixes.get(index)?.done(event) ?? event.text), ['done', event]];
  };
}
