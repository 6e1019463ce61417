import { describe, expect, it } from 'vitest';
import { firstFrame, frameText, nextFrame } from '../../../shared/contract/frames.ts';
import { LIMITS } from '../../../shared/contract/generation.ts';
import { TIME_HEADER } from '../../../shared/contract/signature.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { tinySession } from '../tiny-model.ts';
import { appOf, eventsOf, jobOf, signedPost } from './service.ts';

const collect = async (response: Response) => {
  const all: GenerationEvent[] = [];
  for await (const event of eventsOf(response)) all.push(event);
  return all;
};

const TEMPLATE = 'Dear {{name:tokens=6}}, hello.';

describe('POST /generate', () => {
  it('answers a signed job with events, one a line, that rebuild to the final text', async () => {
    const { app } = appOf();
    const response = await app.request('/generate', await signedPost(jobOf({ template: TEMPLATE })));
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    const [accepted, ...rest] = await collect(response);
    if (accepted.type !== 'accepted') throw new Error(accepted.type);
    let frame = firstFrame(accepted);
    for (const event of rest) if (event.type === 'step') frame = nextFrame(frame, event);
    const done = rest.at(-1);
    if (done?.type !== 'done') throw new Error(done?.type);
    expect(done.text).toBe(frameText(frame));
    expect(done.text).toMatch(/^Dear .*, hello\.$/su);
    expect(done.holes).toHaveProperty('name');
  });

  it('gives the same bytes for the same seed', async () => {
    const { app } = appOf();
    const texts: string[] = [];
    for (let i = 0; i < 2; i++) {
      const job = jobOf({ template: TEMPLATE });
      const response = await app.request('/generate', await signedPost(job));
      texts.push((await response.text()).replaceAll(job.id, ''));
    }
    expect(texts[0]).toBe(texts[1]);
  });

  it('joins a job that is sent again under its id, and refuses another under it', async () => {
    const { app, session } = appOf();
    const job = jobOf({ template: TEMPLATE });
    const texts: string[] = [];
    for (const now of [1, 2]) {
      const post = await signedPost(job, { now: Date.now() + now });
      texts.push(await (await app.request('/generate', post)).text());
    }
    expect(texts[1]).toBe(texts[0]);
    const evaluations = session.calls.length;
    const other = { ...job, request: { ...job.request, seed: 8 } };
    const refused = await app.request('/generate', await signedPost(other));
    expect([refused.status, (await refused.json()).code]).toEqual([409, 'duplicate_id']);
    expect(session.calls).toHaveLength(evaluations);
  });

  it('ends every text of a job, indexes interleaved', async () => {
    const { app } = appOf();
    const events = await collect(await app.request('/generate', await signedPost(jobOf({ template: TEMPLATE, n: 3 }))));
    const done = events.flatMap((event) => (event.type === 'done' ? [event.index] : []));
    expect(done.sort()).toEqual([0, 1, 2]);
    const stepped = events.flatMap((event) => (event.type === 'step' ? [event.index] : []));
    expect(stepped.slice(0, 6).toSorted()).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('answers questions, each of them a text of the job, and refuses another number of them', async () => {
    const { app } = appOf();
    const questions = ['a', 'b'].map((id) => ({ id, type: 'yes_no', question: 'Was it wet?' }) as const);
    const decision = { state: 'It rained.', questions, order: false, prior: false };
    const asked = (n: number) => jobOf({ n, decision });
    const events = await collect(await app.request('/generate', await signedPost(asked(2))));
    expect(events.filter(({ type }) => type === 'done')).toMatchObject([{ index: 0 }, { index: 1 }]);
    const refused = await app.request('/generate', await signedPost(asked(3)));
    expect([refused.status, (await refused.json()).code]).toEqual([400, 'invalid_request']);
  });

  describe('refuses, before any work,', () => {
    const NOW = 1_700_000_000_000;
    const good = () => jobOf({ template: TEMPLATE });
    const cases: readonly [string, () => Promise<RequestInit>, number, string, string?][] = [
      [
        'a missing signature',
        async () => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(good()) }),
        401,
        'bad_signature',
      ],
      [
        'a signature of another secret',
        () => signedPost(good(), { now: NOW, secret: 'another secret, thirty-two characters long' }),
        401,
        'bad_signature',
      ],
      ['a time stamp too far behind', () => signedPost(good(), { now: NOW - 60_001 }), 401, 'bad_signature'],
      ['a time stamp too far ahead', () => signedPost(good(), { now: NOW + 60_001 }), 401, 'bad_signature'],
      [
        'a body that was changed',
        async () => ({ ...(await signedPost(good(), { now: NOW })), body: JSON.stringify(good()) }),
        401,
        'bad_signature',
      ],
      [
        'a time stamp that was changed',
        async () => {
          const post = await signedPost(good(), { now: NOW });
          return { ...post, headers: { ...post.headers, [TIME_HEADER]: String(NOW + 1) } };
        },
        401,
        'bad_signature',
      ],
      [
        'another content type',
        () => signedPost(good(), { now: NOW, type: 'text/plain' }),
        415,
        'unsupported_media_type',
      ],
      ['what is not JSON', () => signedPost('{"id": ', { now: NOW }), 400, 'malformed_json', ''],
      ['a job without a request', () => signedPost({ id: 'x' }, { now: NOW }), 400, 'invalid_request'],
      ['a field out of range', () => signedPost(jobOf({ n: 99 }), { now: NOW }), 400, 'invalid_request', '/n'],
      [
        'an unknown field',
        () => signedPost({ id: 'x', request: { model: 'tiny', seed: 1, temprature: 1 } }, { now: NOW }),
        400,
        'invalid_request',
        '/temprature',
      ],
      ['an unknown model', () => signedPost(jobOf({ model: 'other' }), { now: NOW }), 404, 'unknown_model', '/model'],
      ['an unknown style', () => signedPost(jobOf({ style: 'noir' }), { now: NOW }), 400, 'unknown_style', '/style'],
      [
        'a text longer than the context',
        () => signedPost(jobOf({ template: '{{a:tokens=500}}' }), { now: NOW }),
        422,
        'limit_exceeded',
      ],
    ];
    it.each(cases)('%s', async (_name, makeRequest, status, code, pointer) => {
      const { app, session } = appOf({ now: () => NOW });
      const response = await app.request('/generate', await makeRequest());
      const body = await response.json();
      expect([response.status, body.code, body.error.code]).toEqual([status, code, code]);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      if (pointer !== undefined) expect(body.pointer).toBe(pointer);
      expect(session.calls).toHaveLength(0);
    });

    it('a body over the limit, said or unsaid', async () => {
      const { app } = appOf();
      const long = 'x'.repeat(LIMITS.bodyBytes + 5_000);
      const said = await app.request('/generate', await signedPost(long));
      expect([said.status, (await said.json()).code]).toEqual([413, 'body_too_large']);
      const { headers } = await signedPost(long);
      const stream = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(long));
          controller.close();
        },
      });
      // Node wants to be told that the answer comes after the body; the types of the DOM do not know it.
      const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body: stream, duplex: 'half' };
      const request = new Request('http://x/generate', init);
      expect((await app.request(request)).status).toBe(413);
    });
  });

  it('takes a signature once', async () => {
    let now = Date.now();
    const { app } = appOf({ now: () => now });
    const post = await signedPost(jobOf({ template: TEMPLATE }), { now: now + 50_000 });
    const first = await app.request('/generate', post);
    expect(first.status).toBe(200);
    await first.text();
    for (const later of [0, 59_000, 109_000]) {
      now += later;
      const again = await app.request('/generate', post);
      expect([again.status, (await again.json()).code]).toEqual([401, 'bad_signature']);
    }
    const upper = {
      ...post,
      headers: { ...post.headers, 'x-maskwright-signature': post.headers['x-maskwright-signature'].toUpperCase() },
    };
    expect((await app.request('/generate', upper)).status).toBe(401);
  });

  it('says 429 with Retry-After when too many texts wait', async () => {
    const gate = Promise.withResolvers<void>();
    const { app } = appOf({ session: tinySession(() => gate.promise), capacity: { running: 1, waiting: 0 } });
    const running = await app.request('/generate', await signedPost(jobOf({ template: TEMPLATE })));
    const refused = await app.request('/generate', await signedPost(jobOf({ template: TEMPLATE })));
    expect([refused.status, (await refused.json()).code]).toEqual([429, 'overloaded']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    gate.resolve();
    expect((await collect(running)).at(-1)?.type).toBe('done');
  });

  it('ends a stream that fails behind its start with a problem event that gives nothing away', async () => {
    const session = tinySession(async (call) => {
      if (call === 2) throw new Error('secret weights at /somewhere');
    });
    const { app } = appOf({ session });
    const text = await (await app.request('/generate', await signedPost(jobOf({ template: TEMPLATE })))).text();
    const last = JSON.parse(text.trimEnd().split('\n').at(-1)!);
    expect(last).toMatchObject({ type: 'problem', problem: { code: 'internal_error' } });
    expect(text).not.toContain('somewhere');
  });

  it('withholds a text that fails the check', async () => {
    const { app } = appOf({ check: () => ({ held: [], failed: [{ pointer: '/template', detail: 'no' }] }) });
    const events = await collect(await app.request('/generate', await signedPost(jobOf({ template: TEMPLATE }))));
    expect(events.at(-1)).toMatchObject({ type: 'problem', problem: { code: 'check_failed' } });
    expect(events.some(({ type }) => type === 'done')).toBe(false);
  });
});
