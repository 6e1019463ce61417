/**
 * The jobs of the chaos bench, and their texts in a quiet run: one engine in this process, nobody killed.
 */
import { checkText } from '../gpu-backend/check.ts';
import { createEngine } from '../gpu-backend/engine/engine.ts';
import { eagerReader } from '../gpu-backend/engine/reader.ts';
import { fixedModels } from '../gpu-backend/model/pool.ts';
import { openModel } from '../gpu-backend/model/registry.ts';
import type { GenerationJob } from '../shared/contract/generation.ts';
import { seeded } from './random-requests.ts';

const SEED = 20_261_126;
const STYLES = ['product', 'sms', 'story', 'email'];
const SAMPLERS = ['confidence', 'remdm', 'margin'] as const;
const PRIORITIES = ['high', 'normal', 'low'] as const;

/** So many jobs of one or two texts, some with a template; always the same. @param longest tokens; the shortest have a third */
export function chaosJobs(count: number, model: string, longest: number): GenerationJob[] {
  const random = seeded(SEED);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)];
  return Array.from({ length: count }, (_, i) => {
    const tokens = Math.round(longest * (1 / 3 + random() * (2 / 3)));
    const text =
      random() < 0.5
        ? { length: { unit: 'tokens' as const, exact: tokens } }
        : { template: `Dear {{name:tokens=4}}, {{body:tokens=${tokens - 8}}}` };
    const request = {
      ...{ model, seed: i, style: pick(STYLES), ...text },
      diffusion: { steps: tokens, sampler: pick(SAMPLERS) },
      ...(random() < 0.25 ? { n: 2 } : {}),
    };
    return { id: `chaos-${i}`, priority: pick(PRIORITIES), request };
  });
}

/** The texts of each job by index. */
export async function quietTexts(
  jobs: readonly GenerationJob[],
  options: { readonly model: string; readonly threads: number; readonly cacheFolder: string },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { model, threads, cacheFolder } = options;
  const opened = await openModel(model, { device: 'cpu', precision: 'int8', threads, cacheFolder });
  const engine = createEngine({ models: fixedModels([opened]), check: checkText });
  const reader = eagerReader(new AbortController().signal);
  const all = new Map<string, readonly string[]>();
  for (const job of jobs) {
    const texts: string[] = [];
    for await (const event of engine.generate(job, reader)) if (event.type === 'done') texts[event.index] = event.text;
    all.set(job.id, texts);
  }
  await opened.session.release();
  return all;
}
