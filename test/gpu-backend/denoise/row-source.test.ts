/** Windows beside cached keys and values: the tiny model's cache is exact, so what a window answers must be what the canvas would. */
import { describe, expect, it } from 'vitest';
import { denoise } from '../../../gpu-backend/denoise/loop.ts';
import { prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { createBatcher } from '../../../gpu-backend/engine/batch.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';
import { problemOf } from '../../problem-of.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { EOS, tinyModel, tinySession } from '../tiny-model.ts';

const live = new AbortController().signal;

/** Generates through the batcher, as the engine does; the steps, the usage, and what the session was asked. */
async function run(request: Partial<GenerationRequest>, shift: 0 | 1 = 0) {
  const session = tinySession();
  const limits = { positions: 10_000, rows: 10_000, canvases: 8, padding: EOS, counters: createCounters() };
  const batcher = createBatcher(session, limits);
  const job = { id: 'r', request: { model: 'tiny', seed: 5, ...request } };
  const [task] = prepareTasks(job, tinyModel(session, { shift }), plainConstraint);
  const steps: unknown[] = [];
  const text = denoise(task, (need) => batcher.evaluate(need, live));
  let turn = await text.next();
  for (; !turn.done; turn = await text.next()) steps.push(turn.value.event);
  return { steps, text: turn.value.text, usage: turn.value.usage, calls: session.calls };
}

const block = (kv_cache: 'none' | 'prefix' | 'dual', changes: Partial<GenerationRequest> = {}) => ({
  template: '{{a:tokens=64}}',
  ...changes,
  diffusion: { steps: 32, block: 16, kv_cache, ...changes.diffusion },
});

describe('rows of windows', () => {
  it.each([0, 1] as const)('give the text of whole canvases where nothing outside moves, shift %i', async (shift) => {
    for (const changes of [{}, { temperature: 0 }, { style: { name: 'story', strength: 2 } }, { prompt: 'of foxes' }]) {
      const plain = await run(block('none', changes), shift);
      for (const kind of ['prefix', 'dual'] as const) {
        const windowed = await run(block(kind, changes), shift);
        expect(windowed.steps).toEqual(plain.steps);
        expect(windowed.usage.model_evaluations).toBe(plain.usage.model_evaluations);
        expect(windowed.usage.positions_evaluated).toBeLessThan(plain.usage.positions_evaluated);
      }
    }
  });

  it('are those of their own text, however many share a batch', async () => {
    const session = tinySession();
    const limits = { positions: 10_000, rows: 10_000, canvases: 8, padding: EOS, counters: createCounters() };
    const batcher = createBatcher(session, limits);
    const textOf = async (seed: number) => {
      const job = { id: 'r', request: { model: 'tiny', seed, ...block('dual') } };
      const [task] = prepareTasks(job, tinyModel(session), plainConstraint);
      const text = denoise(task, (need) => batcher.evaluate(need, live));
      for (let turn = await text.next(); ; turn = await text.next()) if (turn.done) return turn.value.text;
    };
    const seeds = [1, 2, 3, 4, 5, 6];
    const alone: string[] = [];
    for (const seed of seeds) alone.push(await textOf(seed));
    const calls = session.calls.length;
    expect(await Promise.all(seeds.map(textOf))).toEqual(alone);
    expect(session.calls.length - calls).toBeLessThan(calls / 3); // they did share batches
  });

  it('evaluate the whole canvas once for each block, and the block alone at its other steps', async () => {
    const { calls } = await run(block('dual'), 1);
    const sizes = calls.map(({ windows, length }) => (windows === undefined ? 'whole' : length));
    const ofBlock = ['whole', ...new Array(7).fill(24)]; // 16 and the position before, up to a multiple of 8
    expect(sizes).toEqual([...ofBlock, ...ofBlock, ...ofBlock, ...ofBlock]);
  });

  it('reach to the end of the canvas with a prefix cache, and are whole where little is left out', async () => {
    const { calls } = await run(block('prefix'));
    const sizes = calls.map(({ windows, length }) => (windows === undefined ? 'whole' : length));
    const ofBlock = (size: number | 'whole') => ['whole', ...new Array(7).fill(size)];
    expect(sizes).toEqual([...ofBlock('whole'), ...ofBlock(48), ...ofBlock(32), ...ofBlock(16)]);
  });

  it('are refused without a block, and where the session keeps no caches', async () => {
    const model = tinyModel({ ...tinySession(), keepsCaches: false });
    const refusal = (diffusion: NonNullable<GenerationRequest['diffusion']>) => {
      const request = { model: 'tiny', seed: 1, template: '{{a:tokens=4}}', diffusion };
      return problemOf(() => prepareTasks({ id: 'r', request }, model, plainConstraint));
    };
    expect(refusal({ kv_cache: 'dual' })).toMatchObject({ code: 'invalid_request', pointer: '/diffusion/kv_cache' });
    expect(refusal({ kv_cache: 'dual', block: 2 }).detail).toContain('keeps no keys and values');
  });
});
