/** A job and several real services behind a bad network: another is tried while nothing has come of it, and never behind that. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate, resume } from '../../../edge/backends/forward.ts';
import { workOf } from '../../../edge/backends/work.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';
import { type Fault, faultyNetwork } from './faults.ts';
import { envOf, services, streamedJob } from './services.ts';

const STEPS = 6;
const never = new AbortController().signal;

let opened: Awaited<ReturnType<typeof services>>;
beforeAll(async () => {
  opened = await services(3, 1);
});
afterAll(() => opened.close());

let names = 0;

/** The services under names of their own, so that nothing is known of how they did before. */
function network(faults: readonly Fault[]) {
  const urls = opened.all.slice(0, faults.length).map(({ port }) => `http://n${++names}.invalid:${port}`);
  const parts = faultyNetwork(new Map(urls.map((url, n) => [url, faults[n]])));
  return { ...parts, urls, env: { ...opened.env, BACKEND_URL: urls.join(', '), BACKEND: parts.fetcher } };
}

interface Heard {
  readonly events: number;
  readonly steps: number;
  readonly code: string;
}

async function hear(env: ReturnType<typeof network>['env'], job: GenerationJob): Promise<Heard> {
  let events = 0;
  let steps = 0;
  try {
    for await (const { event, seq } of generate(env, job, never)) {
      expect(seq).toBe(events++);
      if (event.type === 'step') steps++;
    }
    return { events, steps, code: 'done' };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { events, steps, code: error.problem.code };
  }
}

/** What each service says for itself that it did for a job. */
const accountsOf = (job: string) =>
  Promise.all(opened.all.map(({ url }) => workOf(envOf([url]), { job, owner: 'acc_1' })));

describe('a job whose service', () => {
  it.each([
    ['cannot be reached', 'never'],
    ['has begun it and is heard of no more', 'unheard'],
    ['breaks off before the first event', { cut: 0 }],
    ['is full', 'full'],
    ['is not there behind its proxy', 'proxy'],
  ] as const)('%s is done by another, once', async (_name, fault) => {
    const { env, asked, urls, dropped } = network([fault, 'none']);
    // The first of the two is the one that nothing is known of, and they are equal: it is asked first.
    const job = streamedJob(STEPS);
    expect(await hear(env, job)).toEqual({ events: STEPS + 2, steps: STEPS, code: 'done' });
    expect(asked).toEqual(urls);
    const [first, second] = await accountsOf(job.id);
    expect(second).toMatchObject({ outcome: 'done', texts: [{ denoising_steps: STEPS }] });
    expect(first?.texts ?? []).toEqual([]);
    expect(dropped).toEqual(fault === 'full' || fault === 'never' ? (fault === 'never' ? [urls[0]] : []) : [urls[0]]);
  });

  it('breaks off behind the first event ends there: nobody else begins it', async () => {
    // Of two that nothing is known of the first is asked first; of three it would be by chance.
    const { env, asked } = network([{ cut: 3 }, 'none']);
    expect(await hear(env, streamedJob(STEPS))).toEqual({ events: 3, steps: 2, code: 'backend_failed' });
    expect(asked).toHaveLength(1);
  });

  it('says why it cannot be done is not asked of others', async () => {
    const { env, asked } = network(['none', 'none']);
    const refused = streamedJob(STEPS);
    const heard = await hear(env, { ...refused, request: { ...refused.request, style: 'baroque' } });
    expect([heard.code, asked.length]).toEqual(['unknown_style', 1]);
  });

  it('is the only one is asked once more, for what it has begun it joins', async () => {
    for (const fault of ['never', 'unheard'] as const) {
      const { env, urls, asked, dropped } = network([fault]);
      expect((await hear(env, streamedJob(STEPS))).code).toBe('backend_unavailable');
      expect(asked).toEqual([urls[0], urls[0]]);
      expect(dropped).toEqual([urls[0]]);
    }
  });

  it('is full like all others is refused with the shortest wait', async () => {
    const { env, asked } = network(['full', 'full']);
    await expect(generate(env, streamedJob(STEPS), never).next()).rejects.toMatchObject({
      problem: { code: 'overloaded', retryAfter: 7 },
    });
    expect(asked).toHaveLength(2);
  });

  it('is a hole that says nothing is found out before long, and the next has the rest of the time', async () => {
    const { env, asked, urls, deadlines } = network(['hole', 'none']);
    const { code } = await hear(env, streamedJob(STEPS, { deadline_ms: 60_000 }));
    expect([code, asked]).toEqual(['done', [urls[1]]]);
    expect(deadlines[0]).toBeLessThan(60_000 - 5_000);
    expect(deadlines[0]).toBeGreaterThan(60_000 - 12_000);
  }, 30_000);
});

const fault = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Fault>('none') },
  fc.constantFrom<Fault>('never', 'unheard', 'full', 'proxy'),
  fc.record({ cut: fc.integer({ min: 0, max: STEPS + 1 }) }),
);

describe('whatever the network does', () => {
  it('one service at most counts as having done a job, and it has done what was heard', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 3 }), async (faults) => {
        const { env, asked } = network(faults);
        const job = streamedJob(STEPS);
        const heard = await hear(env, job);
        if (faults.every((one) => one === 'none')) expect(heard.code).toBe('done');
        const accounts = await accountsOf(job.id);
        const did = accounts.flatMap((work) => (work !== undefined && work.texts.length > 0 ? [work] : []));
        expect(did.length).toBeLessThanOrEqual(1);
        const steps = did[0]?.texts[0].denoising_steps ?? 0;
        expect(steps).toBeGreaterThanOrEqual(heard.steps);
        expect(steps).toBeLessThanOrEqual(STEPS);
        if (heard.code === 'done') expect(steps).toBe(STEPS);
        // Behind the first event nobody else is asked: whoever was asked last is the one that was heard.
        expect(asked.length).toBeLessThanOrEqual(Math.max(2, faults.length));
        expect(new Set(asked).size).toBe(faults.length === 1 ? 1 : asked.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a reader who lost his stream', () => {
  it('finds the rest at the service that has it, whether this isolate began the job or another did', async () => {
    const { env } = network(['none', 'none', 'none']);
    const job = streamedJob(40);
    let last = -1;
    for await (const { seq } of generate(env, job, never)) {
      last = seq;
      if (seq === 5) break;
    }
    // Listed under other names no service is likelier than another.
    const elsewhere = envOf(opened.all.map(({ url }) => url));
    for (const [from, after] of [
      [env, last],
      [elsewhere, 10],
    ] as const) {
      const seen: number[] = [];
      for await (const { seq } of resume(from, { id: job.id, owner: 'acc_1', after }, never)) {
        seen.push(seq);
        if (from === env && seq === 10) break;
      }
      expect(seen[0]).toBe(after + 1);
      if (from === elsewhere) expect(seen.at(-1)).toBe(41);
    }
    const gone = resume(env, { id: job.id, owner: 'acc_2', after: 0 }, never).next();
    await expect(gone).rejects.toMatchObject({ problem: { code: 'stream_gone' } });
  });

  it('is told that it cannot be known now where a service is away that may have it', async () => {
    const { env } = network(['never', 'none']);
    const lost = { id: 'gen_000000000000000000000000', owner: 'acc_1', after: 0 };
    await expect(resume(env, lost, never).next()).rejects.toMatchObject({ problem: { code: 'backend_unavailable' } });
  });
});
