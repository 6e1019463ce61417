import { afterAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
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
  it('are the same, bit for bit of every confidence, alone and batched with others', async () => {
    const opening = openFixture('tiny-llada/tied', precision);
    opened.push(opening);
    const model = await opening;
    const check = () => ({ held: [], failed: [] });
    const engine = createEngine({
      models: [model],
      check,
      makeConstraint: plainConstraint,
      capacity: { running: 40, canvases: 6 },
    });
    const run = (request: Partial<GenerationJob['request']>) =>
      collect(engine.generate({ id: 'r', request: { model: model.manifest.id, seed: 0, ...request } }, live));
    const alone: GenerationEvent[][] = [];
    for (const request of REQUESTS) alone.push(await run(request));
    const together = await Promise.all([...REQUESTS, ...REQUESTS, ...REQUESTS].map(run));
    expect(together.map(perText)).toEqual([...alone, ...alone, ...alone].map(perText));
    for (const events of alone) expect(events.at(-1)?.type).toBe('done');
  });
});
