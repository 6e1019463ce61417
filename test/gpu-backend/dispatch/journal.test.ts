import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dispatch } from '../../../gpu-backend/dispatch/dispatch.ts';
import { createJournal, type Journal, type JournalLimits } from '../../../gpu-backend/dispatch/journal.ts';
import type { Reader } from '../../../gpu-backend/engine/reader.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { problem } from '../../../shared/contract/problem.ts';
import type { NumberedEvent } from '../../../shared/contract/stream.ts';
import { wait } from './common.ts';
import { stepOf, talkative } from './talkative.ts';

const JOB: GenerationJob = {
  id: 'gen_1',
  owner: 'me',
  resume_ms: 50,
  request: { model: 'tiny', seed: 1, prompt: 'p' },
};
const never = new AbortController().signal;

function journalOf(dispatch: Pick<Dispatch, 'generate' | 'attach'>, limits: Partial<JournalLimits> = {}): Journal {
  return createJournal({ dispatch, problemOf: () => ({ code: 'check_failed', detail: 'no' }), limits });
}

async function read(
  lines: AsyncGenerator<Uint8Array, void>,
  most = Number.POSITIVE_INFINITY,
): Promise<NumberedEvent[]> {
  const all: NumberedEvent[] = [];
  for await (const bytes of lines) {
    const text = new TextDecoder().decode(bytes);
    expect(text.endsWith('\n')).toBe(true);
    all.push(JSON.parse(text));
    if (all.length >= most) break;
  }
  return all;
}

const numbers = (events: readonly NumberedEvent[]) => events.map(({ seq }) => seq);

describe('a journal', () => {
  it('numbers the events of a job from 0 and gives what it said again for a while after its end', async () => {
    const journal = journalOf(talkative(), { keptMs: 40 });
    const all = await read(journal.submit(JOB, never));
    expect(numbers(all)).toEqual([0, 1, 2, 3, 4]);
    expect(all[3]).toEqual({ seq: 3, ...stepOf(3) });
    expect(await read(journal.attach('gen_1', 'me', 2, never))).toEqual(all.slice(3));
    expect(await read(journal.attach('gen_1', 'me', 4, never))).toEqual([]);
    await wait(60);
    expect([journal.jobs, journal.keptBytes]).toEqual([0, 0]);
    await expect(read(journal.attach('gen_1', 'me', 2, never))).rejects.toMatchObject({
      problem: { code: 'stream_gone' },
    });
  });

  it('goes on for whoever comes back without a repeated or missing event, wherever he left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }), async (parts) => {
        const { state, generate } = talkative({ steps: 12 });
        const journal = journalOf({ generate });
        const seen = await read(journal.submit(JOB, never), parts.shift() ?? 20);
        for (const most of [...parts, 20]) {
          seen.push(...(await read(journal.attach('gen_1', 'me', seen.at(-1)!.seq, never), most)));
        }
        expect(numbers(seen)).toEqual(Array.from({ length: 12 }, (_, n) => n));
        expect(state.started).toBe(1);
      }),
      { numRuns: 40 },
    );
  });

  it('shows another owner what it shows of a job that never was', async () => {
    const journal = journalOf(talkative());
    await read(journal.submit(JOB, never), 2);
    const refusals = await Promise.all(
      [
        ['gen_1', 'you'],
        ['gen_2', 'me'],
      ].map(([id, owner]) => read(journal.attach(id, owner, 0, never)).catch((why) => why.problem)),
    );
    expect(refusals[0]).toEqual(refusals[1]);
    expect(refusals[0].code).toBe('stream_gone');
  });

  it('joins a job that is sent again, while it runs and after its end; refuses another under its id', async () => {
    const { state, generate } = talkative({ ms: 2 });
    const journal = journalOf({ generate });
    const both = await Promise.all([read(journal.submit(JOB, never)), read(journal.submit({ ...JOB }, never))]);
    expect(both[1]).toEqual(both[0]);
    expect(await read(journal.submit(JOB, never))).toEqual(both[0]);
    const other = { ...JOB, request: { ...JOB.request, prompt: 'q' } };
    await expect(read(journal.submit(other, never))).rejects.toMatchObject({ problem: { code: 'duplicate_id' } });
    expect(state.started).toBe(1);
  });

  it('throws what is refused before the first event, and forgets it', async () => {
    const { state, generate } = talkative({ fail: 0 });
    const journal = journalOf({ generate });
    for (const _ of [1, 2])
      await expect(read(journal.submit(JOB, never))).rejects.toMatchObject({ problem: { code: 'check_failed' } });
    expect([state.started, journal.jobs]).toEqual([2, 0]);
  });

  it('says a later failure as the last event, to whoever comes back too', async () => {
    const journal = journalOf(talkative({ fail: 2 }));
    const all = await read(journal.submit(JOB, never));
    expect(all.at(-1)).toEqual({ seq: 2, type: 'problem', problem: { code: 'check_failed', detail: 'no' } });
    expect(await read(journal.attach('gen_1', 'me', 1, never))).toEqual([all[2]]);
  });
});

describe('a reader who leaves', () => {
  it('ends a job that is not kept for him, at once', async () => {
    const { state, generate } = talkative({ steps: 100, ms: 1 });
    const journal = journalOf({ generate });
    await read(journal.submit({ ...JOB, resume_ms: 0 }, never), 3);
    expect(journal.jobs).toBe(0);
    await wait(20);
    expect(state).toMatchObject({ ended: 1 });
    expect(state.made).toBeLessThanOrEqual(4);
  });

  it('makes a job rest, and ends it when he does not come back in time', async () => {
    const { state, generate } = talkative({ steps: 100, ms: 1 });
    const journal = journalOf({ generate });
    const leave = new AbortController();
    const reading = read(journal.submit(JOB, leave.signal)).catch((why) => why);
    await wait(15);
    leave.abort(new Error('gone'));
    expect(String(await reading)).toContain('gone');
    await wait(10);
    const { made } = state;
    await wait(20);
    expect([state.made, state.ended, journal.jobs]).toEqual([made, 0, 1]);
    await wait(50);
    expect([state.made, state.ended, journal.jobs]).toEqual([made, 1, 0]);
  });

  it('is waited for by so many jobs and no more: the one that waits longest ends first', async () => {
    const { state, generate } = talkative({ steps: 100 });
    const journal = journalOf({ generate }, { away: 3 });
    for (let n = 0; n < 5; n++) await read(journal.submit({ ...JOB, id: `gen_${n}`, resume_ms: 10_000 }, never), 2);
    await wait(5);
    expect([journal.jobs, state.ended]).toEqual([3, 2]);
    await expect(read(journal.attach('gen_1', 'me', 1, never))).rejects.toMatchObject({
      problem: { code: 'stream_gone' },
    });
    expect(numbers(await read(journal.attach('gen_2', 'me', 1, never), 1))).toEqual([2]);
  });
});

describe('memory', () => {
  it('of a reader who is behind is bounded: the job rests, and goes on when he does', async () => {
    const { state, generate } = talkative({ steps: 1_000, bytes: 1_000 });
    const journal = journalOf({ generate }, { behindBytes: 20_000 });
    const lines = journal.submit(JOB, never);
    await lines.next();
    await wait(10);
    expect(state.made).toBeGreaterThan(15);
    expect(state.made).toBeLessThan(25);
    expect(await read(lines)).toHaveLength(999);
  });

  it('of jobs that have ended is bounded: the oldest goes first', async () => {
    const journal = journalOf(talkative({ steps: 10, bytes: 1_000 }), { keptBytes: 35_000 });
    for (let n = 0; n < 6; n++) await read(journal.submit({ ...JOB, id: `gen_${n}` }, never));
    expect(journal.jobs).toBe(3);
    expect(journal.keptBytes).toBeLessThan(35_000);
    expect(await read(journal.attach('gen_5', 'me', 8, never))).toHaveLength(1);
  });

  it('of one job is bounded: its oldest events go, and whoever asks for them has lost the stream', async () => {
    const journal = journalOf(talkative({ steps: 50, bytes: 1_000 }), { jobBytes: 10_000 });
    expect(numbers(await read(journal.submit(JOB, never)))).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(journal.keptBytes).toBeLessThanOrEqual(10_000);
    await expect(read(journal.attach('gen_1', 'me', 5, never))).rejects.toMatchObject({
      problem: { code: 'stream_gone' },
    });
    expect(numbers(await read(journal.attach('gen_1', 'me', 47, never)))).toEqual([48, 49]);
  });

  it('costs a quick reader little: 20,000 events in well under a second', async () => {
    const journal = journalOf(talkative({ steps: 20_000, bytes: 200 }));
    const before = process.threadCpuUsage();
    for await (const _ of journal.submit(JOB, never));
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 20_000).toBeLessThan(50); // microseconds an event; 6 where this was written
  });
});

describe('a job that another process began', () => {
  async function* elsewhere(id: string, owner: string, { signal, wants }: Reader) {
    if (id !== 'far' || owner !== 'me') throw problem('stream_gone', 'elsewhere');
    for (let n = 0; n < 5; n++) {
      await wants.opened(signal);
      yield stepOf(n);
    }
  }

  it('is taken up through the dispatch, and is known here from then on', async () => {
    let asked = 0;
    const attach: Dispatch['attach'] = (...all) => {
      asked++;
      return elsewhere(...all);
    };
    const journal = journalOf({ ...talkative(), attach });
    expect(numbers(await read(journal.attach('far', 'me', 1, never), 2))).toEqual([2, 3]);
    expect(numbers(await read(journal.attach('far', 'me', 3, never)))).toEqual([4]);
    expect(asked).toBe(1);
  });

  it('of another owner is gone, and leaves nothing', async () => {
    const journal = journalOf({ ...talkative(), attach: elsewhere });
    await expect(read(journal.attach('far', 'you', 1, never))).rejects.toMatchObject({
      problem: { code: 'stream_gone' },
    });
    expect(journal.jobs).toBe(0);
  });
});
