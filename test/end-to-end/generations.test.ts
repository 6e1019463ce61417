/** The shipped model behind the real inference service behind the edge in workerd: what a user of `npm start` has. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE } from '../../scripts/local/demonstration.ts';
import { type LocalServices, startServices } from '../../scripts/local/services.ts';
import type { DecisionAnswer } from '../../shared/contract/decision.ts';
import { firstFrame, frameText, nextFrame } from '../../shared/contract/frames.ts';
import { LIMITS } from '../../shared/contract/generation.ts';
import { type Client, client, dataOf, until } from './client.ts';

const root = join(import.meta.dirname, '..', '..');
let services: LocalServices;
let edge: Client;

beforeAll(async () => {
  const started = await startServices(root, new Promise(() => undefined));
  services = started!;
  edge = client(services);
}, 180_000);

afterAll(() => services?.stop());

const FRESH = { cache: 'no-store' } as const;

/** The template with each hole replaced by its value. */
function filled(template: string, holes: Record<string, string>): string {
  return template.replaceAll(/\{\{(\w+)[^}]*\}\}/g, (_, name: string) => holes[name]);
}

describe('the example', () => {
  it('is answered with 200, literals byte for byte and every hole filled', async () => {
    const answer = await edge.generate({ ...EXAMPLE, ...FRESH });
    expect(answer.text).toBe(filled(EXAMPLE.template!, answer.holes));
    for (const value of Object.values(answer.holes)) expect(value).not.toBe('');
    expect(Object.keys(answer.holes)).toEqual([...EXAMPLE.template!.matchAll(/\{\{(\w+)/g)].map(([, name]) => name));
    expect(answer).toMatchObject({ object: 'generation', seed: EXAMPLE.seed });
    expect(answer.usage.model_evaluations).toBeGreaterThan(0);
    expect(answer.constraints.length).toBeGreaterThan(0);
    expect(answer.constraints.every(({ held }) => held)).toBe(true);
  });

  it('has the same bytes for the same seed, computed anew, and others for another', async () => {
    const texts = [];
    for (const seed of [7, 7, 8, 9])
      texts.push((await edge.generate({ ...EXAMPLE, ...FRESH, temperature: 1, seed })).text);
    expect(texts[1]).toBe(texts[0]);
    expect(new Set(texts).size).toBeGreaterThan(1);
  });

  it('is answered from the cache the second time', async () => {
    const request = { ...EXAMPLE, seed: 1001 };
    const before = await edge.counted('texts_started');
    const first = await edge.post(request);
    expect(first.headers.get('cache-status')).toBe('maskwright; fwd=uri-miss; stored');
    const second = await edge.post(request);
    expect(second.headers.get('cache-status')).toMatch(/^maskwright; hit; ttl=\d+$/);
    const [a, b] = [await first.json(), await second.json()] as { text: string; cache: { status: string } }[];
    expect(b.text).toBe(a.text);
    expect(b.cache.status).toBe('hit');
    expect(await edge.counted('texts_started')).toBe(before + 1);
  });

  it('reports the seed it drew, and that seed gives the text again', async () => {
    const { seed: _seed, ...unseeded } = EXAMPLE;
    const first = await edge.generate({ ...unseeded, ...FRESH });
    expect(await edge.generate({ ...unseeded, ...FRESH, seed: first.seed })).toMatchObject({ text: first.text });
  });

  it('gives several texts when asked for them', async () => {
    const answer = (await edge.generate({ ...EXAMPLE, n: 3 })) as unknown as {
      choices: { index: number; text: string }[];
    };
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
  });
});

describe('a decision', () => {
  const kind = { id: 'kind', type: 'choice', question: 'It is a', choices: ['restaurant', 'pub', 'coffee shop'] };
  const QUESTIONS = [
    kind,
    { id: 'cheap', type: 'yes_no', question: 'Is it cheap?' },
    { id: 'rating', type: 'score', question: 'Customer rating out of 5:', min: 1, max: 5 },
  ];
  const decide = async (body: object) => {
    const response = await edge.post({ questions: QUESTIONS, ...FRESH, ...body }, {}, '/v1/decisions');
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return (await response.json()) as DecisionAnswer;
  };

  it('gives every question probabilities that sum to 1, calibrated, for two evaluations each', async () => {
    const { answers, calibrated, usage } = await decide({ state: 'The Eagle is a cheap coffee shop by the river.' });
    expect(answers.map(({ id }) => id)).toEqual(['kind', 'cheap', 'rating']);
    expect(calibrated).toBe(true);
    expect(usage).toMatchObject({ model_evaluations: 6, denoising_steps: 6 });
    for (const answer of answers) {
      const all = answer.type === 'yes_no' ? [answer, { probability: 1 - answer.probability }] : answer.probabilities;
      expect(all.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
    }
  });

  it('depends on the state, and not on what else is asked', async () => {
    const [coffee, pub] = [
      await decide({ state: { type: 'coffee shop', name: 'The Eagle' } }),
      await decide({ state: { type: 'pub', name: 'The Eagle' } }),
    ];
    expect(pub.answers[0]).not.toEqual(coffee.answers[0]);
    const alone = await decide({ state: { name: 'The Eagle', type: 'pub' }, questions: [kind] });
    expect(alone.answers[0]).toEqual(pub.answers[0]);
  });

  it('is refused by the service where state and question do not fit the model', async () => {
    const long = { state: 'A long letter. '.repeat(200), questions: QUESTIONS };
    const response = await edge.post(long, {}, '/v1/decisions');
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'limit_exceeded', pointer: '/state' });
  });
});

describe('a stream of steps', () => {
  it.each(['computed', 'replayed'])('rebuilds to exactly the final text, %s', async () => {
    const events = await edge.events({ ...EXAMPLE, seed: 1002, stream: 'steps' });
    expect(events.at(-1)).toEqual({ name: 'message', data: '[DONE]' });
    const [accepted] = dataOf(events, 'accepted');
    const steps = dataOf(events, 'step');
    const [done] = dataOf(events, 'done');
    let frame = firstFrame(accepted);
    expect(frameText(frame)).toContain('░');
    for (const step of steps) {
      frame = nextFrame(frame, step);
      expect(frame.cells.filter((cell) => cell === undefined)).toHaveLength(step.masks_left);
    }
    expect(frameText(frame)).toBe(done.text);
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1));
    expect(done.usage.denoising_steps).toBe(steps.length);
    expect(await edge.generate({ ...EXAMPLE, seed: 1002 })).toMatchObject({ text: done.text, holes: done.holes });
  });

  it('keeps several texts apart by their index', async () => {
    const events = await edge.events({ ...EXAMPLE, ...FRESH, n: 2, stream: 'steps' });
    for (const done of dataOf(events, 'done')) {
      const first = firstFrame(dataOf(events, 'accepted').find(({ index }) => index === done.index)!);
      const last = dataOf(events, 'step')
        .filter(({ index }) => index === done.index)
        .reduce(nextFrame, first);
      expect(frameText(last)).toBe(done.text);
    }
    expect(dataOf(events, 'done')).toHaveLength(2);
  });
});

describe('a stream of text', () => {
  it('adds up to exactly the final text', async () => {
    const events = await edge.events({ ...EXAMPLE, ...FRESH, stream: 'text' });
    const pieces = dataOf(events, 'text').map(({ text }) => text);
    expect(pieces.join('')).toBe(dataOf(events, 'done')[0].text);
    expect(pieces.length).toBeGreaterThan(1);
  });
});

const prompt = 'a warm blanket';

const REFUSED: [string, unknown, number, string, string][] = [
  ['malformed JSON', '{"prompt": "a', 400, 'malformed_json', ''],
  ['a wrong type', { prompt: 1 }, 400, 'invalid_request', '/prompt'],
  ['an unknown field', { prompt, sead: 1 }, 400, 'unknown_field', '/sead'],
  ['an unclosed hole', { template: 'Dear {{name' }, 400, 'invalid_template', '/template'],
  ['a hole without a name', { template: 'Dear {{}}' }, 400, 'invalid_template', '/template'],
  [
    'a hole that is not in the template',
    { template: 'Dear {{name}}', holes: { nmae: {} } },
    400,
    'invalid_request',
    '/holes/nmae',
  ],
  ['a length out of range', { prompt, length: { unit: 'words', max: 5000 } }, 400, 'invalid_request', '/length/max'],
  [
    'a length that is upside down',
    { prompt, length: { unit: 'words', min: 5, max: 4 } },
    422,
    'unsatisfiable_constraints',
    '/length',
  ],
  [
    'a text longer than the model has room for',
    { prompt, length: { unit: 'tokens', min: 253 } },
    422,
    'unsatisfiable_constraints',
    '/length',
  ],
  ['an unknown style', { prompt, style: 'baroque' }, 400, 'unknown_style', '/style'],
  ['an unknown model', { prompt, model: 'gpt' }, 404, 'unknown_model', '/model'],
  ['a body over the limit', { prompt: 'a'.repeat(LIMITS.bodyBytes) }, 413, 'body_too_large', ''],
];

describe('bad input', () => {
  it.each(REFUSED)('%s is refused with code and pointer, and the inference service is not called', async (...row) => {
    const [, body, status, code, pointer] = row;
    const before = [await edge.counted('texts_started'), await edge.counted('texts_refused')];
    const response = await edge.post(body);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('x-request-id')).toMatch(/^req_/);
    const problem = await response.json();
    expect(problem).toMatchObject({ status, code, error: { code } });
    expect(problem.pointer ?? '').toBe(pointer);
    expect(response.status).toBe(status);
    expect([await edge.counted('texts_started'), await edge.counted('texts_refused')]).toEqual(before);
  });

  it('a wrong key, content type, route or method is refused', async () => {
    const ask = (path: string, init: RequestInit) =>
      fetch(`${services.url}${path}`, { headers: edge.headers, ...init });
    const statuses = await Promise.all([
      ask('/v1/generations', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
      ask('/v1/generations', { method: 'POST', body: '{}', headers: { authorization: 'Bearer sk_local_0' } }),
      ask('/v1/generations', { method: 'POST', body: '{}', headers: { authorization: edge.headers.authorization } }),
      ask('/v1/nothing', {}),
      ask('/v1/generations', {}),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([401, 401, 415, 404, 405]);
  });
});

describe('a reader that goes away', () => {
  it('stops the work', async () => {
    const before = await edge.counted('texts_cancelled');
    const first = await edge.counted('batches');
    const gone = new AbortController();
    const long = {
      prompt,
      seed: 1,
      length: { unit: 'tokens', exact: 160 },
      diffusion: { steps: 160 },
      stream: 'steps',
    };
    const response = await edge.post({ ...long, ...FRESH }, { signal: gone.signal });
    const reader = response.body!.getReader();
    await reader.read();
    gone.abort();
    let last = -1;
    await until(async () => {
      const evaluations = await edge.counted('batches');
      if (evaluations === last) return true;
      last = evaluations;
      await new Promise((resolve) => setTimeout(resolve, 400));
      return false;
    });
    expect(last - first).toBeLessThan(120);
    expect(await edge.counted('texts_cancelled')).toBe(before);
    // It rests for the 15 s for which he may come back, and ends then.
    await until(async () => (await edge.counted('texts_cancelled')) === before + 1, 25_000);
  });
});

describe('a stream that is lost', () => {
  it.each(['steps', 'text'] as const)(
    'goes on where it was lost, without a repeated or missing event: %s',
    async (stream) => {
      const request = { ...EXAMPLE, ...FRESH, n: 2, diffusion: { steps: 24 }, stream };
      const whole = await edge.events(request);
      const seen = await edge.eventsOf(await edge.post(request), 4);
      const { id } = dataOf(seen, 'accepted')[0];
      await new Promise((resolve) => setTimeout(resolve, 200));
      seen.push(...(await edge.eventsOf(await edge.resume(id, stream, seen.at(-1)!.id!), 3)));
      seen.push(...(await edge.eventsOf(await edge.resume(id, stream, seen.at(-1)!.id!))));
      const text = (events: typeof seen) => events.filter(({ name }) => name !== 'accepted').map(({ data }) => data);
      // Which of two texts takes its step first is nobody's promise.
      expect(text(seen).toSorted()).toEqual(text(whole).toSorted());
      expect(new Set(seen.map((event) => event.id)).size).toBe(seen.length);
      expect((await edge.eventsOf(await edge.resume(id, stream, seen.at(-2)!.id!))).map(({ data }) => data)).toEqual([
        '[DONE]',
      ]);
    },
  );

  it('and was never there, is gone', async () => {
    const response = await edge.resume(`gen_${'0'.repeat(24)}`, 'steps', '3');
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([410, 'stream_gone']);
  });
});

describe('GET /v1/models', () => {
  it('lists the shipped model with its styles', async () => {
    const response = await fetch(`${services.url}/v1/models`, { headers: edge.headers });
    const { data } = (await response.json()) as {
      data: { id: string; revision: string; styles: { name: string }[] }[];
    };
    expect(data.length).toBeGreaterThan(0);
    expect(data[0].styles.map(({ name }) => name)).toContain(EXAMPLE.style);
  });
});
