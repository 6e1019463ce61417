/** What a job did, as the journal says it: whatever became of the job and of its events. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJobAccounts } from '../../../gpu-backend/dispatch/job-accounts.ts';
import { createJournal, type JournalLimits } from '../../../gpu-backend/dispatch/journal.ts';
import type { Reader } from '../../../gpu-backend/engine/reader.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { problem } from '../../../shared/contract/problem.ts';
import type { AcceptedEvent, GenerationEvent } from '../../../shared/contract/stream.ts';
import { wait } from './common.ts';
import { stepOf } from './talkative.ts';

const JOB: GenerationJob = { id: 'gen_1', owner: 'me', request: { model: 'tiny', seed: 1 } };
const POSITIONS = 8;
const never = new AbortController().signal;

const accepted = (index: number): AcceptedEvent => ({
  ...{ type: 'accepted', id: JOB.id, model: 'tiny', revision: '1', seed: 1, fixed: [], steps: 100 },
  ...{ index, positions: POSITIONS + index },
});

interface Plan {
  /** Steps of each text; they come one after the other. */
  readonly steps: readonly number[];
  /** Number of the step of all at which it fails. */
  readonly fail?: number;
  readonly failure?: 'check_failed' | 'stream_gone';
  readonly ms?: number;
}

function texts({ steps, fail, failure = 'check_failed', ms }: Plan) {
  return async function* generate(_job: GenerationJob, { signal, wants }: Reader): AsyncGenerator<GenerationEvent> {
    for (const index of steps.keys()) yield accepted(index);
    let made = 0;
    for (const [index, count] of steps.entries()) {
      for (let step = 1; step <= count; step++) {
        await wants.opened(signal);
        if (ms !== undefined) await wait(ms);
        signal.throwIfAborted();
        if (made++ === fail) throw problem(failure, 'no');
        yield { ...stepOf(step), index };
      }
    }
  };
}

const journalOf = (plan: Plan, limits: Partial<JournalLimits> = {}) =>
  createJournal({
    dispatch: { generate: texts(plan) },
    problemOf: () => ({ code: 'check_failed', detail: '' }),
    limits,
  });

async function read(lines: AsyncGenerator<Uint8Array, void>, most = Number.POSITIVE_INFINITY) {
  let steps = 0;
  let events = 0;
  for await (const line of lines) {
    if (new TextDecoder().decode(line).includes('"type":"step"')) steps++;
    if (++events >= most) break;
  }
  return steps;
}

const stepsOf = (work: Awaited<ReturnType<ReturnType<typeof journalOf>['work']>>) =>
  work?.texts.map(({ denoising_steps }) => denoising_steps);

describe('the account of a job', () => {
  it.each([
    ['done', {}, 'done', [3, 2]],
    ['failed behind its fourth step', { fail: 4 }, 'problem', [3, 1]],
    ['ended by an engine that waited for its reader', { fail: 4, failure: 'stream_gone' as const }, 'left', [3, 1]],
  ])('of a job that is %s says how it ended and what ran', async (_name, changes, outcome, steps) => {
    const journal = journalOf({ steps: [3, 2], ...changes }, { keptMs: 0 });
    await read(journal.submit(JOB, never));
    await wait(5); // its events are gone
    expect(journal.jobs).toBe(0);
    const [first, second] = steps;
    expect(await journal.work('gen_1', 'me')).toEqual({
      ...{ id: 'gen_1', state: 'ended', outcome },
      texts: [
        { positions: POSITIONS, denoising_steps: first },
        { positions: POSITIONS + 1, denoising_steps: second },
      ],
    });
  });

  it('counts what its reader has seen, wherever he left, and no step twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(0, 20),
        fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
        async (steps, most, resume_ms, fail) => {
          const journal = journalOf({ steps, fail });
          const seen = await read(journal.submit({ ...JOB, resume_ms }, never), most);
          await journal.end('gen_1', 'me', false);
          const work = await journal.work('gen_1', 'me');
          expect(work?.state).toBe('ended');
          const counted = stepsOf(work)!.reduce((sum, count) => sum + count, 0);
          const all = steps.reduce((sum, count) => sum + count, 0);
          expect(counted).toBeGreaterThanOrEqual(seen);
          expect(counted).toBeLessThanOrEqual(Math.min(all, fail ?? all));
          expect(await journal.work('gen_1', 'you')).toBeUndefined();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of a job that is begun anew has what ran before too', async () => {
    const journal = journalOf({ steps: [9] });
    await read(journal.submit(JOB, never), 3);
    await wait(5);
    await read(journal.submit(JOB, never));
    expect(stepsOf(await journal.work('gen_1', 'me'))).toEqual([expect.any(Number), 9]);
  });

  it('goes away when another process has the job, which says it then', async () => {
    let taken = () => {};
    async function* generate(_: GenerationJob, reader: Reader): AsyncGenerator<GenerationEvent> {
      taken = reader.taken!;
      yield accepted(0);
      await wait(20);
    }
    const far = { id: 'gen_1', state: 'running', texts: [] } as const;
    const journal = createJournal({ dispatch: { generate, work: async () => far }, problemOf: () => ({}) as never });
    const reading = read(journal.submit(JOB, never));
    await wait(5);
    expect(await journal.work('gen_1', 'me')).toMatchObject({ texts: [{ positions: POSITIONS }] });
    taken();
    expect(await journal.work('gen_1', 'me')).toBe(far);
    expect(await journal.end('gen_1', 'me', false)).toBe(far);
    await reading;
    expect(journal.accounts).toBe(0);
  });
});

describe('a job whose reader says that he has left', () => {
  it('ends before its next step, though it would have waited for him', async () => {
    const journal = journalOf({ steps: [100], ms: 1 });
    await read(journal.submit({ ...JOB, resume_ms: 10_000 }, never), 5);
    const work = await journal.end('gen_1', 'me', false);
    expect(work).toMatchObject({ state: 'ended', outcome: 'left' });
    await wait(10);
    expect(await journal.work('gen_1', 'me')).toEqual(work);
  });

  it('ends when his connection is closed behind his word', async () => {
    const journal = journalOf({ steps: [100], ms: 1 });
    const leave = new AbortController();
    const reading = read(journal.submit({ ...JOB, resume_ms: 10_000 }, leave.signal)).catch(() => {});
    await wait(10);
    const ending = journal.end('gen_1', 'me', false);
    leave.abort(new Error('closed'));
    expect(await ending).toMatchObject({ state: 'ended', outcome: 'left' });
    await reading;
  });

  it('goes on for another who reads it', async () => {
    const journal = journalOf({ steps: [40], ms: 1 }, { endMs: 15 });
    const other = read(journal.submit({ ...JOB, resume_ms: 10_000 }, never));
    await wait(5);
    expect(await journal.end('gen_1', 'me', true)).toMatchObject({ state: 'running' });
    expect(await other).toBe(40);
    expect(await journal.work('gen_1', 'me')).toMatchObject({ outcome: 'done', texts: [{ denoising_steps: 40 }] });
  });

  it('counts as nothing where nobody had anything of it', async () => {
    const journal = journalOf({ steps: [100], ms: 1 });
    await read(journal.submit({ ...JOB, resume_ms: 10_000 }, never), 5);
    expect(await journal.end('gen_1', 'me', true)).toMatchObject({ state: 'ended', outcome: 'left', texts: [] });
  });

  it('is not begun when it comes behind his word', async () => {
    const journal = journalOf({ steps: [3] });
    expect(await journal.end('gen_1', 'me', true)).toBeUndefined();
    await expect(read(journal.submit(JOB, never))).rejects.toMatchObject({ problem: { code: 'stream_gone' } });
    expect(await journal.work('gen_1', 'me')).toEqual({ id: 'gen_1', state: 'ended', outcome: 'left', texts: [] });
  });

  it('stays as it is where another owner says so', async () => {
    const journal = journalOf({ steps: [20], ms: 1 });
    const reading = read(journal.submit(JOB, never));
    await wait(3);
    expect(await journal.end('gen_1', 'you', true)).toBeUndefined();
    expect(await reading).toBe(20);
    expect(stepsOf(await journal.work('gen_1', 'me'))).toEqual([20]);
  });
});

describe('accounts', () => {
  it('are kept for so long and so many; the oldest go first, and never those of jobs that run', async () => {
    const accounts = createJobAccounts({ accountMs: 40, accounts: 3 });
    accounts.open('runs', 'me');
    for (let n = 0; n < 5; n++) accounts.open(`gen_${n}`, 'me').end('done');
    expect(accounts.size).toBe(4);
    expect(accounts.find('gen_1', 'me')).toBeUndefined();
    expect(accounts.find('gen_2', 'me')).toMatchObject({ outcome: 'done' });
    await wait(50);
    expect(accounts.size).toBe(1);
    expect(accounts.find('runs', 'me')).toMatchObject({ state: 'running' });
  });
});
