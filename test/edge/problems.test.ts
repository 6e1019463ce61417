import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../shared/contract/generation.ts';
import { edge, executionContext, ndjson, parseEvents, recorded } from './upstream.ts';

interface ProblemBody {
  status: number;
  code: string;
  detail: string;
  pointer?: string;
  instance: string;
  error: { code: string; message: string; type: string; param: string | null };
}

async function problemOf(response: Response): Promise<ProblemBody> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = (await response.json()) as ProblemBody;
  expect(body.status).toBe(response.status);
  const param = body.pointer ? expect.any(String) : null;
  expect(body.error).toMatchObject({ code: body.code, message: body.detail, param });
  expect(body.instance).toBe(`/requests/${response.headers.get('x-request-id')}`);
  return body;
}

const deep = `${'{"json_schema":'}${'{"not":'.repeat(100)}{}${'}'.repeat(101)}`;
const prompt = 'p';

/** Bodies that must be refused: what, body, status, code, pointer, words in the detail. */
const REFUSED: [string, unknown, number, string, string, RegExp?][] = [
  ['an empty body', '', 400, 'malformed_json', '', /empty/],
  ['a body that breaks off', '{"prompt": "x', 400, 'malformed_json', ''],
  ['an array', [], 400, 'invalid_request', '', /object/],
  ['null', 'null', 400, 'invalid_request', '', /null/],
  ['a request that says nothing', {}, 400, 'invalid_request', '', /prompt/],
  ['a number for a prompt', { prompt: 5 }, 400, 'invalid_request', '/prompt', /a string; 5 was given/],
  ['null for a prompt', { prompt: null }, 400, 'invalid_request', '/prompt', /a string; null/],
  ['an unknown field', { prompt, temprature: 1 }, 400, 'unknown_field', '/temprature', /"temperature"/],
  ['a field far from any', { prompt, zzzzzzzz: 1 }, 400, 'unknown_field', '/zzzzzzzz', /it may have model, prompt/],
  ['a field of every object', '{"prompt":"p","constructor":1}', 400, 'unknown_field', '/constructor'],
  ['a field of prototypes', '{"prompt":"p","__proto__":{}}', 400, 'unknown_field', '/__proto__'],
  ['a fact that would be lost', '{"facts":{"constructor":"x"}}', 400, 'unknown_field', '/facts/constructor'],
  ['an unknown nested field', { prompt, diffusion: { step: 4 } }, 400, 'unknown_field', '/diffusion/step', /"steps"/],
  [
    'an unknown field of a variant',
    { prompt, length: { unit: 'words', maxx: 4 } },
    400,
    'unknown_field',
    '/length/maxx',
    /"max"/,
  ],
  [
    'an unknown field in a list',
    { prompt, length: [{ unit: 'words', mix: 4 }] },
    400,
    'unknown_field',
    '/length/0/mix',
  ],
  [
    'an unknown field of a hole',
    { template: '{{a/b}}', holes: { 'a/b': { wrds: {} } } },
    400,
    'unknown_field',
    '/holes/a~1b/wrds',
    /"words"/,
  ],
  ['an array for an object', { prompt, diffusion: [] }, 400, 'invalid_request', '/diffusion', /array/],
  ['an array for holes', { prompt, holes: [] }, 400, 'invalid_request', '/holes', /array/],
  ['an unknown unit', { prompt, length: { unit: 'lines', max: 1 } }, 400, 'invalid_request', '/length/unit', /"words"/],
  ['a length without unit', { prompt, length: { max: 1 } }, 400, 'invalid_request', '/length/unit', /missing/],
  [
    'a length over the bound',
    { prompt, length: { unit: 'words', max: 4097 } },
    400,
    'invalid_request',
    '/length/max',
    /at most 4096; 4097/,
  ],
  [
    'a negative length',
    { prompt, length: { unit: 'words', max: -1 } },
    400,
    'invalid_request',
    '/length/max',
    /at least 0; -1/,
  ],
  ['half a word', { prompt, length: { unit: 'words', max: 1.5 } }, 400, 'invalid_request', '/length/max', /whole/],
  ['too many steps', { prompt, diffusion: { steps: 257 } }, 400, 'invalid_request', '/diffusion/steps', /at most 256/],
  ['no steps', { prompt, diffusion: { steps: 0 } }, 400, 'invalid_request', '/diffusion/steps', /at least 1/],
  ['a hot temperature', { prompt, temperature: 2.1 }, 400, 'invalid_request', '/temperature'],
  ['too many texts', { prompt, n: 9 }, 400, 'invalid_request', '/n'],
  ['a seed that is not exact', { prompt, seed: 2 ** 53 }, 400, 'invalid_request', '/seed'],
  [
    'an unknown sampler',
    { prompt, diffusion: { sampler: 'best' } },
    400,
    'invalid_request',
    '/diffusion/sampler',
    /"ancestral"/,
  ],
  [
    'a threshold without its sampler',
    { prompt, diffusion: { threshold: 0.5 } },
    400,
    'invalid_request',
    '/diffusion/threshold',
  ],
  ['an unknown kind of stream', { prompt, stream: true }, 400, 'invalid_request', '/stream', /"steps"/],
  ['a long prompt', { prompt: 'x'.repeat(2001) }, 400, 'invalid_request', '/prompt', /at most 2000 characters/],
  ['no choices', { choices: [] }, 400, 'invalid_request', '/choices', /at least 1 items/],
  ['half a surrogate pair', '{"prompt":"\\ud800"}', 400, 'invalid_request', '/prompt', /surrogate/],
  ['deep nesting', deep, 400, 'invalid_request', `/json_schema${'/not'.repeat(63)}`, /nested/],
  ['an unknown model', { prompt, model: 'smal' }, 404, 'unknown_model', '/model', /"small"/],
  ['an unknown style', { prompt, style: 'slogn' }, 400, 'unknown_style', '/style', /"slogan"/],
  [
    'an unknown style with strength',
    { prompt, style: { name: 'noir', strength: 1 } },
    400,
    'unknown_style',
    '/style/name',
    /slogan, headline/,
  ],
];

describe('a bad request', () => {
  it.each(REFUSED)('%s is refused with code and pointer, and the backend is not called', async (...row) => {
    const [, body, status, code, pointer, words] = row;
    const { ask, generations } = await edge();
    const response = await ask(body);
    expect(await problemOf(response)).toMatchObject({ status, code, pointer });
    if (words !== undefined) expect((await problemOf(await ask(body))).detail).toMatch(words);
    expect(generations()).toBe(0);
  });

  it('over the limit is refused by the bytes that come, whatever Content-Length says', async () => {
    const { fetch, ask, generations } = await edge();
    const body = JSON.stringify({ prompt: 'é'.repeat(LIMITS.bodyBytes / 2) });
    expect(await problemOf(await ask(body))).toMatchObject({ status: 413, code: 'body_too_large', pointer: '' });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const response = await fetch('/v1/generations', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: endless,
    });
    expect(await problemOf(response)).toMatchObject({ status: 413, code: 'body_too_large' });
    expect(sent).toBeLessThan(2 * LIMITS.bodyBytes);
    expect(generations()).toBe(0);
  });

  it('of exactly the limit is read', async () => {
    const { ask } = await edge();
    const body = '{"prompt":"p","seed":1}'.padEnd(LIMITS.bodyBytes);
    expect((await ask(body)).status).toBe(200);
    expect((await ask(`${body} `)).status).toBe(413);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', ''])(
    'of content type %j is refused',
    async (type) => {
      const { ask, generations } = await edge();
      const response = await ask({ prompt }, { 'content-type': type });
      expect(await problemOf(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
      expect(generations()).toBe(0);
    },
  );

  it('that is not UTF-8 is refused', async () => {
    const { fetch } = await edge();
    const headers = { 'content-type': 'application/json; charset=UTF-8' };
    const response = await fetch('/v1/generations', { method: 'POST', headers, body: new Uint8Array([0x7b, 0xff]) });
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'malformed_json', pointer: '' });
  });
});

describe('keys', () => {
  it.each([
    [{ authorization: '' }, 'invalid_key'],
    [{ authorization: 'Bearer' }, 'invalid_key'],
    [{ authorization: 'Bearer sk_of_nobody' }, 'invalid_key'],
    [{ authorization: 'Basic sk_of_nobody' }, 'invalid_key'],
  ] as const)('%j is refused', async (headers, code) => {
    const { ask, calls } = await edge();
    const response = await ask({ prompt }, headers);
    expect(await problemOf(response)).toMatchObject({ status: 401, code });
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(calls()).toEqual([]);
  });

  it('a missing one is refused before the body is read', async () => {
    const { env } = await edge();
    const { default: app } = await import('../../edge/index.ts');
    const request = new Request('https://edge.invalid/v1/generations', { method: 'POST', body: '{' });
    expect(await problemOf(await app.fetch(request, env, executionContext()))).toMatchObject({
      status: 401,
      code: 'missing_key',
    });
  });
});

describe('routes', () => {
  it('that do not exist are 404, with another method 405 and Allow', async () => {
    const { fetch } = await edge();
    expect(await problemOf(await fetch('/v1/nothing'))).toMatchObject({ status: 404, code: 'not_found' });
    const response = await fetch('/v1/generations', { method: 'DELETE' });
    expect(await problemOf(response)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(response.headers.get('allow')).toBe('POST');
  });
});

describe('a backend', () => {
  const body = { prompt, seed: 9, cache: 'no-store' };

  it('that is down is 503 with Retry-After, before and after its models are known', async () => {
    const { ask, state } = await edge();
    state.down = true;
    const response = await ask(body);
    expect(await problemOf(response)).toMatchObject({ status: 503, code: 'backend_unavailable' });
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    state.down = false;
    expect((await ask(body)).status).toBe(200);
    state.down = true;
    expect((await ask(body)).status).toBe(503);
  });

  it('that has no model yet is 503', async () => {
    const { ask, state } = await edge();
    state.models = [];
    expect((await ask(body)).status).toBe(503);
  });

  it('that refuses is quoted, with its Retry-After', async () => {
    const { ask, state } = await edge();
    state.behave = () =>
      Response.json({ code: 'overloaded', detail: 'queue full' }, { status: 429, headers: { 'retry-after': '3' } });
    const response = await ask(body);
    expect(await problemOf(response)).toMatchObject({ status: 429, code: 'overloaded', detail: 'queue full' });
    expect(response.headers.get('retry-after')).toBe('3');
  });

  it.each([
    ['does not accept our signature', () => Response.json({ code: 'bad_signature', detail: '' }, { status: 401 })],
    ['answers with a page', () => new Response('<html>', { status: 500 })],
    ['sends what is no event', () => new Response('{"type":"odd"}\n')],
    ['sends what is no JSON', () => new Response('<html>\n')],
    ['sends nothing', () => new Response('')],
  ])('that %s is 502', async (_name, behave) => {
    const { ask, state } = await edge();
    state.behave = behave;
    expect(await problemOf(await ask(body))).toMatchObject({ status: 502, code: 'backend_failed' });
    expect((await ask({ ...body, stream: 'steps' })).status).toBe(502);
  });

  it('that breaks off in a stream ends it with a problem and without [DONE]', async () => {
    const { ask, state } = await edge();
    state.behave = (job) => ndjson(recorded(job).slice(0, 2));
    const response = await ask({ ...body, stream: 'steps' });
    const events = parseEvents(await response.text());
    expect(events.map(([name]) => name)).toEqual(['accepted', 'step', 'problem']);
    expect(events[2][1]).toMatchObject({
      problem: { code: 'backend_failed', instance: `/requests/${response.headers.get('x-request-id')}` },
    });
  });

  it('that states a problem as its first event gives the answer that status', async () => {
    const { ask, state } = await edge();
    state.behave = () =>
      ndjson([{ type: 'problem', problem: { code: 'overloaded', detail: 'busy', retryAfter: 1.5 } }]);
    const response = await ask({ ...body, stream: 'steps' });
    expect(await problemOf(response)).toMatchObject({ status: 429, code: 'overloaded' });
    expect(response.headers.get('retry-after')).toBe('2');
  });
});
