import { describe, expect, it } from 'vitest';
import { edge, ndjson, parseEvents, recorded } from './upstream.ts';

/** The cache outlives a test, so each asks for something nobody else asks for. */
const unique = () => ({ prompt: crypto.randomUUID() });

interface Answer {
  id: string;
  text: string;
  cache: { status: string; age: number; ttl: number };
}

describe('cache', () => {
  it('answers a second identical request without the backend, under an id of its own', async () => {
    const { ask, generations } = await edge();
    const body = { ...unique(), seed: 3 };
    const [first, second] = [await ask(body), await ask(body)];
    expect(generations()).toBe(1);
    expect(first.headers.get('cache-status')).toBe('maskwright; fwd=uri-miss; stored');
    expect(second.headers.get('cache-status')).toMatch(/^maskwright; hit; ttl=\d+$/);
    expect(second.headers.get('age')).toMatch(/^\d+$/);
    const [a, b] = [(await first.json()) as Answer, (await second.json()) as Answer];
    expect(b.cache).toMatchObject({ status: 'hit' });
    expect({ ...b, id: a.id, cache: a.cache }).toEqual(a);
    expect(b.id).not.toBe(a.id);
  });

  it('does not care for the order of fields', async () => {
    const { ask, generations } = await edge();
    const { prompt } = unique();
    await ask({ prompt, seed: 3, style: 'slogan' });
    await ask({ style: 'slogan', seed: 3, prompt });
    expect(generations()).toBe(1);
  });

  it('replays a stream event by event, whichever form was asked for first', async () => {
    const { ask, generations } = await edge();
    const body = { ...unique(), seed: 3 };
    const live = parseEvents(await (await ask({ ...body, stream: 'steps' })).text());
    const replayed = parseEvents(await (await ask({ ...body, stream: 'steps' })).text());
    const json = (await (await ask(body)).json()) as Answer;
    const text = parseEvents(await (await ask({ ...body, stream: 'text' })).text());
    expect(generations()).toBe(1);
    expect(replayed.slice(1)).toEqual(live.slice(1));
    expect(replayed[0][1]).toMatchObject({ cache: { status: 'hit' } });
    expect(json).toMatchObject({ text: 'Hello wörld', cache: { status: 'hit' } });
    expect(text.at(-1)).toEqual(['message', '[DONE]']);
  });

  it('keeps answers at temperature 0 without a seed, and no others without a seed', async () => {
    const { ask, generations } = await edge();
    const cold = { ...unique(), temperature: 0 };
    await ask(cold);
    expect(((await (await ask(cold)).json()) as Answer).cache.status).toBe('hit');
    expect(generations()).toBe(1);
    const warm = { ...unique(), temperature: 0.5 };
    for (let i = 0; i < 2; i++) {
      const response = await ask(warm);
      expect(response.headers.get('cache-status')).toBe('maskwright; fwd=bypass');
    }
    expect(generations()).toBe(3);
  });

  it('neither reads nor writes on no-store', async () => {
    const { ask, generations } = await edge();
    const body = { ...unique(), seed: 3 };
    await ask({ ...body, cache: 'no-store' });
    await ask(body);
    await ask({ ...body, cache: 'no-store' });
    expect(generations()).toBe(3);
  });

  it('computes anew on refresh and keeps the new answer', async () => {
    const { ask, generations, state } = await edge();
    const body = { ...unique(), seed: 3 };
    await ask(body);
    state.behave = (job) => ndjson(recorded(job).map((event) => ({ ...event, text: 'Hello again' })));
    const refreshed = await ask({ ...body, cache: 'refresh' });
    expect(refreshed.headers.get('cache-status')).toBe('maskwright; fwd=request; stored');
    expect(await (await ask(body)).json()).toMatchObject({ text: 'Hello again', cache: { status: 'hit' } });
    expect(generations()).toBe(2);
  });

  it('keeps an answer for its ttl and takes none that is older', async () => {
    const { ask, generations } = await edge();
    const body = { ...unique(), seed: 3, cache: { ttl: 1 } };
    await ask(body);
    expect((await ask(body)).headers.get('cache-status')).toMatch(/hit; ttl=[01]/);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    await ask(body);
    expect(generations()).toBe(2);
  });

  it('keeps nothing of another revision under this one', async () => {
    const { ask, generations, state } = await edge();
    const body = { ...unique(), seed: 3 };
    state.behave = (job) =>
      ndjson(recorded(job).map((event) => (event.type === 'accepted' ? { ...event, revision: 'r2' } : event)));
    await ask(body);
    await ask(body);
    // Kept under r2; whoever still believes in r1 does not get it.
    expect(generations()).toBe(2);
  });

  it.each([
    ['a refusal', () => Response.json({ code: 'overloaded', detail: 'busy' }, { status: 429 }), 429],
    [
      'a problem after the start',
      (events: object[]) => ndjson([events[0], { type: 'problem', problem: { code: 'check_failed', detail: 'x' } }]),
      500,
    ],
    ['an answer that breaks off', (events: object[]) => ndjson(events.slice(0, 2)), 502],
  ] as const)('never keeps %s', async (_name, behave, status) => {
    const { ask, generations, state } = await edge();
    const body = { ...unique(), seed: 3 };
    const well = state.behave;
    state.behave = (job) => behave(recorded(job));
    expect((await ask(body)).status).toBe(status);
    expect(generations()).toBe(1);
    await (await ask({ ...body, stream: 'steps' })).text();
    expect(generations()).toBe(2);
    state.behave = well;
    const response = await ask(body);
    expect(response.status).toBe(200);
    expect(generations()).toBe(3);
  });
});
