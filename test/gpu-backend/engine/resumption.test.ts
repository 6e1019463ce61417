/** Jobs of several texts that another engine takes up. */
import { describe, expect, it } from 'vitest';
import { checkText } from '../../../gpu-backend/check.ts';
import type { TextCheckpoint } from '../../../gpu-backend/denoise/checkpoint.ts';
import { createEngine, type Resumption, type WorkEvent } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { tinyModel } from '../tiny-model.ts';

const live = eagerReader(new AbortController().signal);
const job: GenerationJob = {
  id: 'r1',
  request: {
    model: 'tiny',
    seed: 7,
    n: 3,
    template: 'Dear {{a:words=1..3}}, {{b:characters=6..14}}!',
    diffusion: { block: 8, kv_cache: 'dual', sampler: 'low-confidence', steps: 10 },
  },
};

async function run(resumption?: Resumption): Promise<WorkEvent[]> {
  const events: WorkEvent[] = [];
  const engine = createEngine({ models: fixedModels([tinyModel()]), check: checkText });
  for await (const event of engine.generate(job, live, resumption)) events.push(event);
  return events;
}

/** Of one text, in their order; those of several texts come as they are ready. */
const ofText = (events: readonly WorkEvent[], index: number) =>
  events.filter((event) => (event.type === 'checkpoint' ? event.checkpoint : Object(event)).index === index);
const steps = (events: readonly WorkEvent[]) => events.flatMap((event) => (event.type === 'step' ? [event.step] : []));
const checkpointsOf = (events: readonly WorkEvent[]): TextCheckpoint[] =>
  events.flatMap((event) => (event.type === 'checkpoint' ? [JSON.parse(JSON.stringify(event.checkpoint))] : []));

describe('an engine that hands out checkpoints', () => {
  it('does so behind every third step of each text and behind its last, and changes nothing else', async () => {
    const plain = await run();
    const events = await run({ checkpointEvery: 3 });
    for (const index of [0, 1, 2]) {
      const own = ofText(events, index);
      expect(own.filter(({ type }) => type !== 'checkpoint')).toEqual(ofText(plain, index));
      const last = steps(own).at(-1)!;
      const due = steps(own).filter((step) => step % 3 === 0 || step === last);
      expect(checkpointsOf(own).map(({ step }) => step)).toEqual(due);
      expect(own.at(-2)?.type).toBe('checkpoint');
      own.forEach((event, i) => {
        if (event.type === 'checkpoint')
          expect(own[i - 1]).toMatchObject({ type: 'step', step: event.checkpoint.step });
      });
    }
    expect(checkpointsOf(plain)).toEqual([]);
  });

  it('goes on with each text where it was: one behind, one far ahead, one to be begun', async () => {
    const whole = await run({ checkpointEvery: 1 });
    const from = [checkpointsOf(ofText(whole, 2)).at(-1)!, checkpointsOf(ofText(whole, 0))[1]];
    const rest = await run({ from, checkpointEvery: 1 });
    for (const [index, taken] of [
      [0, 2],
      [1, 0],
      [2, from[0].step],
    ]) {
      const [accepted, ...events] = ofText(whole, index);
      const behind = events.filter((event) => event.type === 'done' || stepOf(event) > taken);
      expect(JSON.stringify(ofText(rest, index))).toBe(JSON.stringify([accepted, ...behind]));
    }
    expect(ofText(rest, 2).map(({ type }) => type)).toEqual(['accepted', 'done']);
  });

  it('fails the job for a checkpoint that is of no text of it, and writes no other text', async () => {
    const [first] = checkpointsOf(await run({ checkpointEvery: 1 }));
    await expect(run({ from: [{ ...first, index: 3 }] })).rejects.toThrow('no text 3');
    await expect(run({ from: [{ ...first, revision: 'other' }] })).rejects.toThrow('revision other');
  });
});

const stepOf = (event: WorkEvent): number =>
  event.type === 'step' ? event.step : event.type === 'checkpoint' ? event.checkpoint.step : 0;
