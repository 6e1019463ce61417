import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { ledgerOf } from '../../edge/ledger/ledger-of.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { DEFAULT_PRICE } from '../../shared/contract/price.ts';
import { MOST, metered, TEXT } from './metered.ts';
import { edge, idsOf, ndjson, parseEvents, recorded } from './upstream.ts';

const ID = `gen_${'0'.repeat(24)}`;
const job = { id: ID, request: { model: 'small', seed: 1 } } as GenerationJob;

/** An edge whose service knows one job of its account. */
async function withJob() {
  const parts = await edge();
  parts.state.resume = (id, owner, after) => {
    expect([id, owner]).toEqual([ID, parts.account.id]);
    return ndjson(recorded(job).slice(after + 1), after + 1);
  };
  const [{ id: key }] = parts.account.keys.filter(({ mode }) => mode === 'live');
  const request = { request: ID.replace('gen_', 'req_'), job: ID, key, model: 'small', most: 9, holdMs: 60_000 };
  await ledgerOf(parts.env, parts.account.id, 'live').begin({ ...request, price: DEFAULT_PRICE });
  const take = (query: string, headers: Record<string, string> = {}) =>
    parts.fetch(`/v1/generations/${ID}/events?${query}`, { headers });
  return { ...parts, take };
}

const whole = (body: string) => body.split('\n\n').filter((block) => block !== '');

describe('the ids of a stream', () => {
  it('of steps are the numbers of the events of the service', async () => {
    const { ask } = await edge();
    const body = await (await ask({ prompt: 'p', seed: 1, stream: 'steps' })).text();
    expect(idsOf(body)).toEqual(['0', '1', '2', '3', undefined]);
    expect(parseEvents(body)[1][1]).not.toHaveProperty('seq');
  });

  it('of text are the numbers of the events each piece came from, told apart', async () => {
    const { ask } = await edge();
    const body = await (await ask({ prompt: 'p', seed: 1, stream: 'text' })).text();
    expect(idsOf(body)).toEqual(['0', '0.1', '2', '3', undefined]);
  });

  it('are there when the answer comes from the cache', async () => {
    const { ask } = await edge();
    const body = { prompt: crypto.randomUUID(), seed: 1, stream: 'steps' };
    const first = await (await ask(body)).text();
    expect(idsOf(await (await ask(body)).text())).toEqual(idsOf(first));
  });
});

describe('GET /v1/generations/{id}/events', () => {
  it.each(['steps', 'text'] as const)('goes on with a stream of %s from wherever it was lost', async (stream) => {
    const { ask, take } = await withJob();
    const body = await (await ask({ prompt: 'p', seed: 1, cache: 'no-store', stream })).text();
    const blocks = whole(body);
    const ids = idsOf(body);
    for (let lost = 0; lost < blocks.length; lost++) {
      const id = ids[Math.min(lost, ids.length - 2)];
      const rest = await (await take(`stream=${stream}`, { 'last-event-id': id! })).text();
      expect(whole(rest)).toEqual(blocks.slice(Math.min(lost + 1, blocks.length - 1)));
    }
  });

  it('gives all of it to who has seen nothing, and takes the id from the address too, the header first', async () => {
    const { take } = await withJob();
    const ids = async (query: string, headers?: Record<string, string>) =>
      idsOf(await (await take(query, headers)).text());
    expect(await ids('stream=steps')).toEqual(['0', '1', '2', '3', undefined]);
    expect(await ids('stream=steps&last_event_id=1')).toEqual(['2', '3', undefined]);
    expect(await ids('stream=steps&last_event_id=1', { 'last-event-id': '2' })).toEqual(['3', undefined]);
  });

  it('says 410, and what to do, of what the service does not know, and of an id that is none', async () => {
    const { fetch } = await edge();
    for (const id of [ID, 'gen_1', encodeURIComponent('../models')]) {
      const response = await fetch(`/v1/generations/${id}/events?stream=steps`, { headers: { 'last-event-id': '1' } });
      expect(response.status).toBe(410);
      expect(await response.json()).toMatchObject({ code: 'stream_gone' });
    }
  });

  it.each([
    ['', {}, '/stream'],
    ['stream=all', {}, '/stream'],
    ['stream=steps&last_event_id=x', {}, '/last_event_id'],
    ['stream=steps', { 'last-event-id': '-1' }, '/last_event_id'],
    ['stream=steps&after=2', {}, '/after'],
  ] as const)('refuses "%s"', async (query, headers, pointer) => {
    const { take } = await withJob();
    const response = await take(query, headers);
    expect([response.status, ((await response.json()) as { pointer: string }).pointer]).toEqual([400, pointer]);
  });

  it('wants a key', async () => {
    const { fetch } = await edge();
    const response = await fetch(`/v1/generations/${ID}/events?stream=steps`, {
      headers: { authorization: 'Bearer x' },
    });
    expect(response.status).toBe(401);
  });

  it('says a failure with its status before the first event, as the last event behind it', async () => {
    const { take, state } = await withJob();
    const failed = { type: 'problem', problem: { code: 'deadline_exceeded', detail: 'late' } };
    state.resume = () => ndjson([failed], 2);
    expect((await take('stream=steps&last_event_id=1')).status).toBe(504);
    state.resume = () => ndjson([recorded(job)[1], failed], 1);
    const events = parseEvents(await (await take('stream=steps&last_event_id=0')).text());
    expect(events.at(-1)).toMatchObject(['problem', { problem: { code: 'deadline_exceeded' } }]);
  });

  it('fails rather than leave out or repeat an event', async () => {
    const { take, state } = await withJob();
    for (const first of [1, 3]) {
      state.resume = () => ndjson(recorded(job).slice(first), first);
      expect((await take('stream=steps&last_event_id=1')).status).toBe(502);
    }
  });
});

describe('a stream that is taken up', () => {
  /** A stream that its reader lost behind the first event, and the way to take it up. */
  async function lost() {
    const parts = await metered();
    const reader = (await parts.ask({ prompt: 'p', stream: 'steps' })).body!.getReader();
    await reader.read();
    await reader.cancel();
    await parts.settled();
    const [own] = parts.jobs;
    parts.state.resume = (_id, _owner, after) => ndjson(recorded(own).slice(after + 1), after + 1);
    const path = `/v1/generations/${own.id}/events?stream=steps&last_event_id=0`;
    /** When the ledger asks what ran, from now on in milliseconds, and whether it has tried to. */
    const hold = () =>
      runInDurableObject(parts.ledger, (_ledger, { storage }) => {
        const [row] = storage.sql.exec<{ due: number; unreachable: number | null }>('SELECT * FROM hold').toArray();
        return { inMs: row.due - Date.now(), asked: row.unreachable !== null };
      });
    return { ...parts, path, hold };
  }

  it('is paid by its request, which the service is asked about when the stream has ended', async () => {
    const { fetch, path, hold, charges, ledger } = await lost();
    const before = await hold();
    expect([before.asked, before.inMs > 10_000]).toEqual([false, true]);
    const events = parseEvents(await (await fetch(path)).text());
    const done = events.find(([name]) => name === 'done')?.[1] as { usage: { price: object } };
    expect(done.usage.price).toEqual({ origin: 'computed', micro_dollars: TEXT });
    await vi.waitFor(async () => expect((await hold()).asked).toBe(true));
    // No service answers here: the most stays held, and nothing is charged twice or for nothing.
    expect(await charges()).toEqual([]);
    expect((await ledger.balance()).held).toBe(MOST);
  });

  it('and lost again waits for its reader again', async () => {
    const { fetch, path, hold, settled } = await lost();
    const reader = (await fetch(path)).body!.getReader();
    await reader.read();
    await reader.cancel();
    await settled();
    const after = await hold();
    expect([after.asked, after.inMs > 10_000]).toEqual([false, true]);
  });

  it('is nobody’s with a key of the other mode', async () => {
    const { fetch, path, account } = await lost();
    const test = account.keys.find(({ mode }) => mode === 'test')?.key;
    expect((await fetch(path, { headers: { authorization: `Bearer ${test}` } })).status).toBe(410);
  });
});
