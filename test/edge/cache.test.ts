import { parseList, Token } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { answerKey, cachePolicy } from '../../edge/answers/cache.ts';
import { latest } from '../../edge/answers/kept-answers.ts';
import { edge as anEdge, model, ndjson, parseEvents, recorded } from './upstream.ts';

/** The cache outlives a test, so each asks for something nobody else asks for. */
const unique = () => ({ prompt: crypto.randomUUID() });

interface Answer {
  id: string;
  text: string;
  cache: { status: string; age: number; ttl: number };
}

/** An edge whose answers are whole, and kept, when `ask` gives them. */
async function edge() {
  const running = await anEdge();
  const ask: typeof running.ask = async (...given) => {
    const response = await running.ask(...given);
    const body = await response.text();
    await running.settled();
    return new Response(body, response);
  };
  return { ...running, ask };
}

/** `Cache-Status` as RFC 9211 and RFC 9651 read it: of one cache, which is named by a token. */
function cacheStatus(response: Response): Record<string, unknown> {
  const [[name, parameters], ...others] = parseList(response.headers.get('cache-status') ?? '');
  expect([String(name), others]).toEqual(['maskwright', []]);
  return Object.fromEntries(
    [...parameters].map(([key, value]) => [key, value instanceof Token ? value.toString() : value]),
  );
}

/** Forgets what this isolate and its data centre have kept of an answer. */
async function forgetNearby(key: string): Promise<void> {
  latest.delete(key);
  await (caches as CacheStorage & { readonly default: Cache }).default.delete(`https://cache.invalid/answers/${key}`);
}

describe('cache', () => {
  it('answers a second identical request without the backend, under an id of its own', async () => {
    const { ask, generations } = await edge();
    const body = { ...unique(), seed: 3 };
    const [first, second] = [await ask(body), await ask(body)];
    expect(generations()).toBe(1);
    expect(cacheStatus(first)).toEqual({ fwd: 'uri-miss', stored: true });
    expect(cacheStatus(second)).toEqual({ hit: true, ttl: expect.any(Number) });
    expect(second.headers.get('age')).toMatch(/^\d+$/);
    const [a, b] = [(await first.json()) as Answer, (await second.json()) as Answer];
    expect(b.cache).toMatchObject({ status: 'hit' });
    expect({ ...b, id: a.id, cache: a.cache, usage: 0 }).toEqual({ ...a, usage: 0 });
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
    const [step, , done] = [live.slice(1), 0, replayed.at(-2)];
    expect(replayed.slice(1, -2)).toEqual(step.slice(0, -2));
    expect(done).toMatchObject(['done', { text: 'Hello wörld', usage: { price: { origin: 'cached' } } }]);
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
      expect(cacheStatus(response)).toEqual({ fwd: 'bypass' });
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
    expect(cacheStatus(refreshed)).toEqual({ fwd: 'request', stored: true });
    expect(await (await ask(body)).json()).toMatchObject({ text: 'Hello again', cache: { status: 'hit' } });
    expect(generations()).toBe(2);
  });

  it('keeps an answer for its ttl', async () => {
    const { ask, generations } = await edge();
    const body = { ...unique(), seed: 3, cache: { ttl: 1 } };
    await ask(body);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(cacheStatus(await ask(body))).toEqual({ fwd: 'uri-miss', stored: true });
    expect(generations()).toBe(2);
  });

  it('takes none that is older than the ttl asked for', async () => {
    const { ask, generations } = await edge();
    const body = { ...unique(), seed: 3 };
    await ask(body);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    const fresh = await ask({ ...body, cache: { ttl: 1 } });
    expect(cacheStatus(fresh)).toEqual({ fwd: 'request', stored: true });
    expect(await fresh.json()).toMatchObject({ cache: { status: 'stale', age: 0, ttl: 1 } });
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

describe('the second tier', () => {
  /** A request that was answered, its key, and what KV has of it. */
  async function answered() {
    const running = await edge();
    const body = { ...unique(), seed: 3 };
    await running.ask(body);
    const subject = { request: { ...body, model: model.id }, account: running.account.id, mode: 'live' as const };
    const key = await answerKey({ ...subject, policy: cachePolicy(body, true) }, model.revision);
    return { ...running, body, key, name: `answer:${key}` };
  }

  it('has what another data centre made, and gives it to this one', async () => {
    const { ask, body, key, env, name, generations } = await answered();
    await forgetNearby(key);
    expect(cacheStatus(await ask(body))).toMatchObject({ hit: true });
    await env.KV.delete(name);
    expect(cacheStatus(await ask(body))).toMatchObject({ hit: true });
    expect(generations()).toBe(1);
  });

  it.each([
    ['is not JSON', () => 'gen{'],
    ['is none of ours', () => '[1, 2]'],
    ['is of another contract', (kept: string) => kept.replace(/"contract":\d+/, '"contract":1')],
    ['has no events', (kept: string) => JSON.stringify({ ...JSON.parse(kept), events: [] })],
    ['is over', (kept: string) => kept.replace(/"until":\d+/, '"until":1')],
  ])('counts for nothing where what it has %s', async (_name, change) => {
    const { ask, body, key, env, name, generations } = await answered();
    await forgetNearby(key);
    await env.KV.put(name, change((await env.KV.get(name)) ?? ''));
    expect(cacheStatus(await ask(body))).toEqual({ fwd: 'uri-miss', stored: true });
    expect(generations()).toBe(2);
  });

  it('may fail, and so may the first: it costs no answer', async () => {
    const { ask, body, env } = await answered();
    const broken = () => Promise.reject(new Error('KV is down'));
    Object.assign(env, { KV: { get: broken, put: broken } });
    expect((await ask({ ...body, prompt: crypto.randomUUID() })).status).toBe(200);
  });
});

describe('who may see an answer', () => {
  const body = () => ({ ...unique(), seed: 3 });

  it('is the account that asked for it, and where both share every account', async () => {
    const [one, other] = [await edge(), await edge()];
    const own = body();
    await one.ask(own);
    await other.ask(own);
    expect(other.generations()).toBe(1);
    const shared = { ...body(), cache: { shared: true } };
    await one.ask(shared);
    const answer = (await (await other.ask(shared)).json()) as Answer;
    expect(answer.cache.status).toBe('hit');
    expect(other.generations()).toBe(1);
  });

  it('is nobody else where only one of the two shares', async () => {
    const [one, other] = [await edge(), await edge()];
    const [private_, shared] = [body(), body()];
    await one.ask(private_);
    await other.ask({ ...private_, cache: { shared: true } });
    await one.ask({ ...shared, cache: { shared: true } });
    await other.ask(shared);
    expect(other.generations()).toBe(2);
  });

  it('is not who asks with a key of the other mode, shared or not', async () => {
    const { ask, account, fetch, generations } = await edge();
    const test = account.keys.find(({ mode }) => mode === 'test')?.key;
    for (const request of [body(), { ...body(), cache: { shared: true } }]) {
      await ask(request);
      const headers = { authorization: `Bearer ${test}`, 'content-type': 'application/json' };
      const response = await fetch('/v1/generations', { method: 'POST', headers, body: JSON.stringify(request) });
      expect(cacheStatus(response)).toMatchObject({ fwd: 'uri-miss' });
      await response.text();
    }
    expect(generations()).toBe(4);
  });
});
