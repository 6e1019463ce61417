import { describe, expect, it } from 'vitest';
import { inlineDispatch } from '../../../gpu-backend/dispatch/inline.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { problemOf } from '../../problem-of.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { tinyModel, tinySession } from '../tiny-model.ts';

const live = new AbortController().signal;
const job = { id: 'r', request: { model: 'tiny', seed: 1, template: '{{a:tokens=10}}', diffusion: { steps: 10 } } };

function dispatchOf(stepMs: number) {
  const session = tinySession(() => new Promise((resolve) => setTimeout(resolve, stepMs)));
  const check = () => ({ held: [], failed: [] });
  return inlineDispatch(
    Promise.resolve(createEngine({ models: [tinyModel(session)], check, makeConstraint: plainConstraint })),
  );
}

async function collect(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('inlineDispatch', () => {
  it('drains: lets what is under way end, takes nothing new', async () => {
    const dispatch = dispatchOf(2);
    await Promise.resolve();
    const running = collect(dispatch.generate(job, live));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const drained = dispatch.drain(10_000);
    expect(dispatch.unready()).toBe('draining');
    await expect(collect(dispatch.generate(job, live))).rejects.toMatchObject({
      problem: { code: 'backend_unavailable' },
    });
    await drained;
    expect((await running).at(-1)?.type).toBe('done');
  });

  it('breaks off what has not ended within the grace period, with a problem', async () => {
    const dispatch = dispatchOf(300); // 3 s in all
    await Promise.resolve();
    const running = collect(dispatch.generate(job, live));
    const outcome = expect(running).rejects.toMatchObject({ problem: { code: 'backend_unavailable' } });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const started = Date.now();
    await dispatch.drain(40);
    expect(Date.now() - started).toBeLessThan(2_000);
    await outcome;
  });

  it('is never ready when the models cannot be loaded', async () => {
    const dispatch = inlineDispatch(Promise.reject(new Error('no such folder')));
    await new Promise((resolve) => setImmediate(resolve));
    expect(dispatch.unready()).toBe('loading');
    expect(problemOf(() => dispatch.models()).code).toBe('backend_unavailable');
  });
});
