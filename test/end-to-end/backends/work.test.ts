/** What a job did, asked of several real services. */
import { afterEach, describe, expect, it } from 'vitest';
import { endJob, workOf } from '../../../edge/backends/work.ts';
import { eventsOf, signedPost } from '../../gpu-backend/http/service.ts';
import { envOf, services, streamedJob } from './services.ts';

let opened: Awaited<ReturnType<typeof services>>;
const open = async (count: number) => {
  opened = await services(count, 5);
  return opened;
};
afterEach(() => opened.close());

/** A job at one service, of which so many events are read. */
async function begin(url: string, steps: number, most: number) {
  const job = streamedJob(steps);
  const response = await fetch(`${url}/generate`, await signedPost(job));
  let seen = 0;
  for await (const _ of eventsOf(response)) if (++seen === most) break;
  return { job: job.id, owner: 'acc_1' };
}

describe('what a job did', () => {
  it('is known of whichever service ran it; a job of nobody, or of another owner, is not', async () => {
    const { all, env } = await open(3);
    const named = await begin(all[1].url, 6, 99);
    expect(await workOf(env, named)).toEqual({
      ...{ id: named.job, state: 'ended', outcome: 'done' },
      texts: [{ positions: 6, denoising_steps: 6 }],
    });
    expect(await workOf(env, { ...named, owner: 'acc_2' })).toBeUndefined();
    expect(await workOf(env, { ...named, job: 'gen_none' })).toBeUndefined();
  });

  it('cannot be said where one that may know it cannot be reached, nor taken from one that did nothing for it', async () => {
    const { all, env } = await open(2);
    const named = await begin(all[1].url, 6, 99);
    await endJob(envOf([all[0].url]), named); // as it is left where a try came to nothing
    expect(await workOf(env, named)).toMatchObject({ outcome: 'done' });
    await all[1].close();
    const unavailable = { problem: { code: 'backend_unavailable' } };
    await expect(workOf(env, named)).rejects.toMatchObject(unavailable);
    await expect(workOf(env, { ...named, job: 'gen_none' })).rejects.toMatchObject(unavailable);
    expect(await workOf(envOf([all[0].url]), named)).toMatchObject({ outcome: 'left', texts: [] });
  });

  it('is known while a service that has nothing to do with it is away', async () => {
    const { all, env } = await open(2);
    const named = await begin(all[1].url, 6, 99);
    await all[0].close();
    expect(await workOf(env, named)).toMatchObject({ outcome: 'done' });
  });
});

describe('a job that is ended', () => {
  it('does no step more, and says those that ran', async () => {
    const { all, env } = await open(2);
    const named = await begin(all[0].url, 60, 5);
    const work = await endJob(env, named);
    expect(work).toMatchObject({ state: 'ended', outcome: 'left', texts: [{ positions: 60 }] });
    const [{ denoising_steps: steps }] = work!.texts;
    expect(steps).toBeGreaterThanOrEqual(4);
    expect(steps).toBeLessThan(60);
    expect(await workOf(env, named)).toEqual(work);
  });
});
