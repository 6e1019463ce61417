import { afterAll, describe, expect, it } from 'vitest';
import type { Capacity } from '../../../gpu-backend/engine/capacity.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { createGate, eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import { type GenerationJob, PRIORITIES, type Priority } from '../../../shared/contract/generation.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { collect } from '../collect.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { openFixture } from './real-session.ts';

const live = eagerReader(new AbortController().signal);
const opened: Promise<{ session: { release(): Promise<void> } }>[] = [];
afterAll(async () => {
  for (const model of opened) await (await model).session.release();
});

const REQUESTS: readonly Partial<GenerationJob['request']>[] = [
  { template: 'Dear {{name:tokens=6}}, {{rest:tokens=12}}.', style: 'email', seed: 1 },
  { length: { unit: 'tokens', max: 50 }, seed: 2, diffusion: { sampler: 'ancestral', steps: 6 } },
  { template: '{{a:tokens=20}}', style: 'story', prompt: 'A fox', seed: 3, diffusion: { guidance: 1.5, steps: 5 } },
  { length: { unit: 'tokens', max: 10 }, seed: 4, temperature: 0 },
  { template: '{{a:tokens=30}}', seed: 5, diffusion: { sampler: 'threshold', threshold: 0.02, steps: 9 } },
  { template: 'One {{a:tokens=1}}', seed: 6 },
  {
    template: '{{a:tokens=8}}',
    prompt: 'literally <|mask|> and <|eos|>',
    seed: 7,
    n: 3,
    diffusion: { block: 4, steps: 4 },
  },
];

/** The events of each text of a job, in order. */
const perText = (events: readonly GenerationEvent[]) =>
  [0, 1, 2].map((index) => events.filter((event) => event.type !== 'problem' && event.index === index));

describe.each(['float32', 'int8'] as const)('texts of the %s graph', (precision) => {
  const engineOf = async (capacity: Partial<Capacity>) => {
    const opening = openFixture('tiny-llada/tied', precision);
    opened.push(opening);
    const model = await opening;
    const check = () => ({ held: [], failed: [] });
    const engine = createEngine({ models: fixedModels([model]), check, makeConstraint: plainConstraint, capacity });
    const run = (request: Partial<GenerationJob['request']>, reader = live, priority?: Priority) =>
      collect(
        engine.generate({ id: 'r', request: { model: model.manifest.id, seed: 0, ...request }, priority }, reader),
      );
    const alone: GenerationEvent[][] = [];
    for (const request of REQUESTS) alone.push(await run(request));
    for (const events of alone) expect(events.at(-1)?.type).toBe('done');
    return { run, alone };
  };

  it('are the same, bit for bit of every confidence, alone and batched with others', async () => {
    const { run, alone } = await engineOf({ running: 40, canvases: 6 });
    const together = await Promise.all([...REQUESTS, ...REQUESTS, ...REQUESTS].map((request) => run(request)));
    expect(together.map(perText)).toEqual([...alone, ...alone, ...alone].map(perText));
  });

  it('are the same whatever goes first and whoever rests between', async () => {
    const { run, alone } = await engineOf({ running: 4, canvases: 3, restAfterMs: 1 });
    const gates = REQUESTS.map(() => createGate());
    const flapping = setInterval(() => {
      for (const gate of gates) gate.set(Math.random() < 0.5);
    }, 3);
    const resting = REQUESTS.map((request, i) => run(request, { signal: live.signal, wants: gates[i] }));
    const urgent = PRIORITIES.flatMap((priority) => REQUESTS.map((request) => run(request, live, priority)));
    const together = await Promise.all([...resting, ...urgent]);
    clearInterval(flapping);
    expect(together.map(perText)).toEqual([...alone, ...alone, ...alone, ...alone].map(perText));
  });
});
