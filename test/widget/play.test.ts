import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Moment, play } from '../../edge/widget/play.ts';
import type { AcceptedEvent, DoneEvent, ProgressEvent, StepEvent } from '../../shared/contract/stream.ts';

const accepted = (positions: number, steps: number): AcceptedEvent => ({
  ...{ type: 'accepted', id: 'gen_1', model: 'm', revision: 'r', seed: 1, index: 0, fixed: [] },
  ...{ positions, steps },
});
const step = (number: number, position: number, text: string, remasked: readonly number[] = []): StepEvent => ({
  ...{ type: 'step', index: 0, step: number, remasked, masks_left: 0 },
  committed: [{ position, text, confidence: 1 }],
});
const usage = {
  ...{ positions: 3, denoising_steps: 3, model_evaluations: 3 },
  positions_evaluated: 9,
  committed_per_step: 1,
};
const done = (text: string): DoneEvent => ({ type: 'done', index: 0, text, holes: {}, constraints: [], usage });

const EVENTS: readonly ProgressEvent[] = [
  accepted(3, 3),
  step(1, 1, 'b'),
  step(2, 2, 'c'),
  step(3, 0, 'a'),
  done('abc'),
];
const CELLS = [
  [undefined, undefined, undefined],
  [undefined, 'b', undefined],
  [undefined, 'b', 'c'],
  ['a', 'b', 'c'],
];

/** Events that arrive so many milliseconds after one another. */
async function* arriving(events: readonly ProgressEvent[], gaps: readonly number[]): AsyncGenerator<ProgressEvent> {
  for (const [i, event] of events.entries()) {
    await new Promise((resolve) => setTimeout(resolve, gaps[i] ?? 0));
    yield event;
  }
}

/** What is seen, and when: all at once, in the time of vitest. */
async function watch(events: AsyncIterable<ProgressEvent>, still = false) {
  const start = Date.now();
  const moments: (Moment & { readonly at: number })[] = [];
  const arrivals: number[] = [];
  const draw = (moment: Moment) => void moments.push({ ...moment, at: Date.now() - start });
  const arrived = () => void arrivals.push(Date.now() - start);
  const playing = play(events, { draw, still: () => still }, arrived, new AbortController().signal);
  const outcome = playing.then(
    () => undefined,
    (error: Error) => error,
  );
  await vi.runAllTimersAsync();
  return { moments, arrived: arrivals[0], error: await outcome, took: Date.now() - start };
}

describe('the steps of a text in time', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are all seen, in their order, however they arrive', async () => {
    const gaps = fc.array(fc.constantFrom(0, 0, 1, 50, 400, 3_000), { minLength: 5, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(gaps, fc.boolean(), async (gaps, still) => {
        const { moments, error } = await watch(arriving(EVENTS, gaps), still);
        expect(error).toBeUndefined();
        expect(moments.map(({ cells }) => cells)).toEqual(CELLS);
        expect(moments.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
      }),
      { numRuns: 60 },
    );
  });

  it('know the finished text from the first, where it arrives at once, and are still seen one by one', async () => {
    const { moments, arrived } = await watch(arriving(EVENTS, []));
    expect(arrived).toBe(0);
    for (const { finished } of moments) expect(finished).toEqual(['a', 'b', 'c']);
    const times = moments.map(({ at }) => at);
    expect(times.slice(1).map((time, i) => time - times[i])).toEqual([90, 90, 90]);
  });

  it('are seen within 300 ms of arriving, where the text is long in coming', async () => {
    const { moments } = await watch(arriving(EVENTS, [0, 100, 2_000, 2_000, 2_000]));
    const [, first, second, third] = moments;
    expect(first.at).toBeLessThan(100 + 300);
    expect(second.at).toBeLessThan(2_100 + 300);
    expect(third.at).toBeLessThan(4_100 + 300);
    expect(third.finished).toBeUndefined();
  });

  it('of a text of many take little longer together than those of one of few', async () => {
    const many = Array.from({ length: 200 }, (_, i) => step(i + 1, i, 'x'));
    const { moments, took } = await watch(arriving([accepted(200, 200), ...many, done('x'.repeat(200))], []));
    expect(moments).toHaveLength(201);
    expect(took).toBeLessThan(1_500);
  });

  it('take no time where nothing is to move', async () => {
    const { took, moments } = await watch(arriving(EVENTS, []), true);
    expect(moments).toHaveLength(4);
    expect(took).toBe(0);
  });

  it('show what is masked again as masked', async () => {
    const events = [
      accepted(1, 3),
      step(1, 0, 'x'),
      { ...step(2, 0, 'x', [0]), committed: [] },
      step(3, 0, 'y'),
      done('y'),
    ];
    const { moments } = await watch(arriving(events, []));
    expect(moments.map(({ cells }) => cells)).toEqual([[undefined], ['x'], [undefined], ['y']]);
  });

  it('end in an error where they break off, and never hang', async () => {
    const { moments, error } = await watch(arriving(EVENTS.slice(0, 3), [0, 0, 500]));
    expect(error).toMatchObject({ code: 'no_answer' });
    expect(moments.map(({ step }) => step)).toEqual([0, 1, 2]);
  });
});
