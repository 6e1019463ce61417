import { describe, expect, it } from 'vitest';
import { inlineDispatch } from '../../../gpu-backend/dispatch/inline.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import { problemOf } from '../../problem-of.ts';
import { collect } from '../collect.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { tinyModel, tinySession } from '../tiny-model.ts';
import { itDrains, job, live, wait } from './common.ts';

function dispatchOf(stepMs: number) {
  const session = tinySession(() => wait(stepMs));
  const check = () => ({ held: [], failed: [] });
  return inlineDispatch(
    Promise.resolve(
      createEngine({ models: fixedModels([tinyModel(session)]), check, makeConstraint: plainConstraint }),
    ),
  );
}

describe('inlineDispatch', () => {
  itDrains(async (stepMs) => {
    const dispatch = dispatchOf(stepMs);
    await Promise.resolve();
    return dispatch;
  });

  it('breaks off what has not ended within the grace period, with a problem', async () => {
    const dispatch = dispatchOf(300); // 3 s in all
    await Promise.resolve();
    const running = collect(dispatch.generate(job, live));
    const outcome = expect(running).rejects.toMatchObject({ problem: { code: 'backend_unavailable' } });
    await wait(5);
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
