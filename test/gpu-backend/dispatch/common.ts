/** What holds of every dispatch, and a job to try it with. */

import { expect, it } from 'vitest';
import type { Dispatch } from '../../../gpu-backend/dispatch/dispatch.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { collect } from '../collect.ts';

export const live = eagerReader(new AbortController().signal);
export const job = {
  id: 'r',
  request: { model: 'tiny', seed: 1, template: '{{a:tokens=10}}', diffusion: { steps: 10 } },
};

export const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** @param open a dispatch that is ready, and whose steps take so long */
export function itDrains(open: (stepMs: number) => Promise<Dispatch>): void {
  it('drains: lets what is under way end, takes nothing new', async () => {
    const dispatch = await open(2);
    const running = collect(dispatch.generate(job, live));
    await wait(5);
    const drained = dispatch.drain(10_000);
    expect(dispatch.unready()).toBe('draining');
    await expect(collect(dispatch.generate(job, live))).rejects.toMatchObject({
      problem: { code: 'backend_unavailable' },
    });
    await drained;
    expect((await running).at(-1)?.type).toBe('done');
  });
}
