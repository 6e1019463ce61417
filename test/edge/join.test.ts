import { describe, expect, it } from 'vitest';
import { answerKey, cachePolicy } from '../../edge/answers/cache.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { problemBody } from '../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../shared/contract/stream.ts';
import { CACHED, metered, TEXT, unique } from './metered.ts';
import { model, ndjson, parseEvents, recorded } from './upstream.ts';

interface Answer {
  id: string;
  text: string;
  cache: { status: string };
  usage: { price: { origin: string; micro_dollars: number } };
}

/** An edge whose service gives the events of a job when it is told to, and to whoever reads the job, as the real one does. */
async function withJournal() {
  const parts = await metered();
  const finish = Promise.withResolvers<void>();
  const begun = new Map<string, GenerationEvent[]>();
  const eventsOf = { of: recorded as (job: GenerationJob) => GenerationEvent[] };
  const whole = async (id: string) => {
    await finish.promise;
    return ndjson(begun.get(id) ?? []);
  };
  parts.state.behave = (job) => {
    begun.set(job.id, eventsOf.of(job));
    return whole(job.id);
  };
  const gone = Response.json(problemBody({ code: 'stream_gone', detail: 'gone' }), { status: 410 });
  // A service that answers at once with what comes later, as its journal does.
  parts.state.resume = ((id: string) => (begun.has(id) ? whole(id) : gone.clone())) as never;
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  return {
    ...parts,
    finish: finish.resolve,
    eventsOf,
    /** Asks; `begun` once the service has been asked to compute it. */
    leading: (body: object) => {
      const before = parts.generations();
      const answer = parts.ask(body);
      return { answer, begun: until(() => parts.generations() > before) };
    },
    /** Asks; `begun` once the service has been asked for anything. */
    following: (body: object) => {
      const before = parts.calls().length;
      const answer = parts.ask(body);
      return { answer, begun: until(() => parts.calls().length > before) };
    },
  };
}

describe('identical requests at once', () => {
  it('are computed once; the first pays for it, each of the others the price of a cached answer', async () => {
    const { leading, following, finish, generations, charges } = await withJournal();
    const body = unique();
    const first = leading(body);
    await first.begun;
    const others = [following(body), following({ ...body, stream: 'steps' })];
    for (const { begun } of others) await begun;
    finish();
    const led = (await (await first.answer).json()) as Answer;
    const joined = await others[0].answer;
    expect(joined.headers.get('cache-status')).toBe('maskwright; fwd=uri-miss; collapsed');
    const answer = (await joined.json()) as Answer;
    expect(answer).toMatchObject({ text: led.text, cache: { status: 'joined' } });
    expect(answer.usage.price).toEqual({ origin: 'joined', micro_dollars: CACHED });
    const events = parseEvents(await (await others[1].answer).text());
    // By the id of the job it reads: it can be taken up again.
    expect(events[0]).toMatchObject(['accepted', { id: led.id, cache: { status: 'joined' } }]);
    expect(events.map(([name]) => name)).toEqual(['accepted', 'step', 'step', 'done', 'message']);
    expect(generations()).toBe(1);
    const costs = (await charges()).map(({ kind, amount }) => [kind, amount]).sort();
    expect(costs).toEqual([
      ['computed', -TEXT],
      ['joined', -CACHED],
      ['joined', -CACHED],
    ]);
  });

  it('fail together, and none of them pays', async () => {
    const { leading, following, finish, eventsOf, charges, ledger } = await withJournal();
    const before = await ledger.balance();
    eventsOf.of = (job) => [
      recorded(job)[0],
      { type: 'problem', problem: { code: 'deadline_exceeded', detail: 'late' } },
    ];
    const body = unique();
    const first = leading(body);
    await first.begun;
    const second = following(body);
    await second.begun;
    finish();
    expect([(await first.answer).status, (await second.answer).status]).toEqual([504, 504]);
    expect(await charges()).toEqual([]);
    expect(await ledger.balance()).toEqual(before);
  });

  it('of which the first never reaches the service are computed for the second, who pays as if alone', async () => {
    const { ask, finish, generations, charges, ledger, account } = await withJournal();
    finish();
    const body = unique();
    // Somebody who began, and whose isolate died on the way to the service.
    const subject = { request: { ...body, model: model.id }, account: account.id, mode: 'live' as const };
    const flight = await answerKey({ ...subject, policy: cachePolicy(body, true) }, model.revision);
    const [{ id: key }] = account.keys.filter(({ mode }) => mode === 'live');
    const price = { computed: 1_000_000, cached: CACHED };
    const lost = { request: 'req_lost', job: 'gen_lost', key, model: model.id, most: 1, price, holdMs: 60_000, flight };
    expect((await ledger.begin(lost)).type).toBe('held');
    const answer = (await (await ask(body)).json()) as Answer;
    expect(answer.usage.price).toEqual({ origin: 'computed', micro_dollars: TEXT });
    expect(generations()).toBe(1);
    expect((await charges()).map(({ kind }) => kind)).toEqual(['computed']);
  });

  it('are not one where they may give other texts, or where nobody may see the answer of another', async () => {
    const { leading, finish, generations, charges } = await withJournal();
    const bodies = [
      { prompt: 'no seed' },
      { prompt: 'no seed' },
      { ...unique(), cache: 'no-store' },
      { ...unique(), cache: 'refresh' },
    ];
    const all = [...bodies, bodies[2], bodies[3]].map(leading);
    for (const { begun } of all) await begun;
    finish();
    await Promise.all(all.map(({ answer }) => answer));
    expect(generations()).toBe(6);
    expect((await charges()).every(({ kind }) => kind === 'computed')).toBe(true);
  });
});
