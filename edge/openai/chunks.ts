/** An answer in OpenAI's language as it comes into being: one chunk for each event that says something. */
import { type Frame, firstFrame, frameText, nextFrame } from '../../shared/contract/frames.ts';
import { problemBody } from '../../shared/contract/problem.ts';
import type { AcceptedEvent, DoneEvent, ProgressEvent, StepEvent } from '../../shared/contract/stream.ts';
import { type AnswerContext, END } from '../answers/answer.ts';
import { committedPrefix } from '../answers/committed-prefix.ts';
import type { PricedDone, PricedProgress } from '../answers/priced.ts';
import { problemOf } from '../middleware/errors.ts';
import { now } from './answer.ts';
import { extrasOf, usageOf } from './choice.ts';
import type { Dialect } from './dialect.ts';
import { excerptOf, excerptOfFrame, growingExcerpt } from './excerpt.ts';
import { restated } from './origins.ts';
import type { StreamOptions, Translation } from './translation.ts';

const sse = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

/**
 * The server-sent events of an answer, as text. Clients take every event for a chunk, so none but chunks are sent, and ours only
 * where they were asked for. A problem after the beginning is a last event with OpenAI's `error` object.
 */
export async function* openaiChunks(
  events: AsyncIterable<PricedProgress>,
  dialect: Dialect,
  translation: Translation & { readonly stream: StreamOptions },
  { cache, requestId, trace }: AnswerContext,
): AsyncGenerator<string> {
  const { stream, metadata } = translation;
  const accepted: AcceptedEvent[] = [];
  const done: PricedDone[] = [];
  const created = now();
  // OpenAI's: where the usage comes in the end, every other chunk says that it is not there yet.
  const usageToCome = stream.usage ? { usage: null } : {};
  const chunk = (choices: readonly object[], more: object = {}) => {
    const { id, model, revision } = accepted[0];
    return sse({
      id,
      object: dialect.chunk,
      created,
      model,
      system_fingerprint: revision,
      choices,
      ...usageToCome,
      ...more,
    });
  };
  const follow = stream.snapshots ? snapshots(dialect, translation) : pieces(dialect, translation);
  try {
    for await (const { event } of events) {
      let head = {};
      if (event.type === 'accepted') {
        if (accepted.length === 0) head = { seed: event.seed, cache, ...(metadata === undefined ? {} : { metadata }) };
        accepted.push(event);
      }
      if (event.type === 'done') done.push(event);
      if (stream.diffusion) {
        yield chunk([], { ...head, diffusion: event });
        head = {};
      }
      for (const choice of follow(event)) {
        yield chunk([{ index: event.index, ...choice }], head);
        head = {};
      }
      if (event.type === 'done') {
        const end = { ...dialect.last, finish_reason: 'stop', logprobs: null, ...extrasOf(event, translation) };
        yield chunk([{ index: event.index, ...end }]);
      }
    }
    if (stream.usage) yield chunk([], { usage: usageOf(accepted, done, translation) });
    yield END;
  } catch (error) {
    const value = problemOf(restated(translation.origins, error), requestId);
    trace.root.set({ problem: value.code });
    yield sse({ error: problemBody(value, requestId).error });
  }
}

/** What of a choice an event says. */
type Follow = (event: ProgressEvent) => readonly object[];

const open = { finish_reason: null, logprobs: null };

/** What can no longer change, piece by piece. */
function pieces(dialect: Dialect, { excerpt }: Translation): Follow {
  const texts = new Map<number, { prefix: ReturnType<typeof committedPrefix>; grow: (piece: string) => string }>();
  return (event) => {
    if (event.type === 'accepted') {
      texts.set(event.index, { prefix: committedPrefix(event), grow: growingExcerpt(excerpt) });
    }
    const text = texts.get(event.index);
    if (text === undefined) return [];
    const { prefix, grow } = text;
    const piece = grow(
      event.type === 'accepted' ? prefix.start() : event.type === 'step' ? prefix.step(event) : prefix.done(event),
    );
    const first = event.type === 'accepted' && dialect.first !== undefined ? [{ ...dialect.first, ...open }] : [];
    return piece === '' ? first : [...first, { ...dialect.piece(piece), ...open }];
  };
}

/** The whole text as it stands, masks and all, whenever it has changed. */
function snapshots(dialect: Dialect, { excerpt }: Translation): Follow {
  const frames = new Map<number, { frame: Frame; shown: string }>();
  return (event) => {
    const { index } = event;
    const before = frames.get(index);
    const frame = event.type === 'accepted' ? firstFrame(event) : before && frameAfter(before.frame, event);
    if (frame === undefined) return [];
    const shown = event.type === 'done' ? excerptOf(event.text, excerpt) : excerptOfFrame(frameText(frame), excerpt);
    frames.set(index, { frame, shown });
    const first = event.type === 'accepted' && dialect.first !== undefined ? [{ ...dialect.first, ...open }] : [];
    return shown === before?.shown ? first : [...first, { ...dialect.piece(shown), ...open }];
  };
}

function frameAfter(frame: Frame, event: StepEvent | DoneEvent): Frame {
  return event.type === 'step' ? nextFrame(frame, event) : frame;
}
