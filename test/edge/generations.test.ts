import { describe, expect, it } from 'vitest';
import { firstFrame, frameText, nextFrame } from '../../shared/contract/frames.ts';
import type { AcceptedEvent, StepEvent } from '../../shared/contract/stream.ts';
import { edge, ndjson, parseEvents, recorded } from './upstream.ts';

describe('POST /v1/generations', () => {
  it('answers with text, holes, usage, seed, revision and cache', async () => {
    const { ask } = await edge();
    const response = await ask({ prompt: 'greet', seed: 7 });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{24}$/);
    expect(await response.json()).toMatchObject({
      id: expect.stringMatching(/^gen_[0-9a-z]{24}$/),
      object: 'generation',
      model: 'small',
      revision: 'r1',
      seed: 7,
      text: 'Hello wörld',
      holes: { name: 'wörld' },
      constraints: [],
      usage: { denoising_steps: 2 },
      cache: { status: 'miss', age: 0, ttl: 86_400 },
    });
  });

  it('hands the backend a job with the default model and the given seed', async () => {
    const { ask, jobs } = await edge();
    await ask({ prompt: 'greet', seed: 7, style: 'slogan', stream: false });
    expect(jobs).toHaveLength(1);
    expect(jobs[0].request).toEqual({ prompt: 'greet', seed: 7, style: 'slogan', stream: false, model: 'small' });
  });

  it('draws a seed where none is given, reports it, and draws another next time', async () => {
    const { ask, jobs } = await edge();
    const seeds = [];
    for (let i = 0; i < 2; i++) seeds.push(((await (await ask({ prompt: 'p' })).json()) as { seed: number }).seed);
    expect(seeds).toEqual(jobs.map((job) => job.request.seed));
    expect(seeds[0]).not.toBe(seeds[1]);
  });

  it('puts several texts in choices, in order, and adds up what they cost', async () => {
    const { ask, state } = await edge();
    state.behave = (job) => ndjson([...recorded(job, 2), ...recorded(job, 0), ...recorded(job, 1)]);
    const answer = (await (await ask({ prompt: 'p', seed: 1, n: 3 })).json()) as Record<string, unknown>;
    expect(answer.choices).toMatchObject([0, 1, 2].map((index) => ({ index, text: 'Hello wörld' })));
    expect(answer.usage).toEqual({
      positions: 12,
      denoising_steps: 6,
      model_evaluations: 6,
      positions_evaluated: 48,
      committed_per_step: 1.5,
      price: { origin: 'computed', micro_dollars: 3 },
    });
    expect(answer).not.toHaveProperty('text');
  });
});

describe('a stream of steps', () => {
  it('is server-sent events accepted, step, done, then [DONE]; its frames end in the final text', async () => {
    const { ask } = await edge();
    const response = await ask({ prompt: 'p', seed: 1, stream: 'steps' });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = parseEvents(await response.text());
    expect(events.map(([name]) => name)).toEqual(['accepted', 'step', 'step', 'done', 'message']);
    expect(events.at(-1)).toEqual(['message', '[DONE]']);
    expect(events[0][1]).toMatchObject({ cache: { status: 'miss' } });
    let frame = firstFrame(events[0][1] as AcceptedEvent);
    const frames = [frameText(frame)];
    for (const [name, data] of events) {
      if (name !== 'step') continue;
      frame = nextFrame(frame, data as StepEvent);
      frames.push(frameText(frame));
    }
    expect(frames).toEqual(['Hello ░░░', 'Hello ░\ufffdrld░', 'Hello wörld']);
  });
});

describe('a stream of text', () => {
  it('sends only what can no longer change, in whole characters, and the whole text in the end', async () => {
    const { ask } = await edge();
    const events = parseEvents(await (await ask({ prompt: 'p', seed: 1, stream: 'text' })).text());
    expect(events.map(([name]) => name)).toEqual(['accepted', 'text', 'text', 'done', 'message']);
    const pieces = events.filter(([name]) => name === 'text').map(([, data]) => (data as { text: string }).text);
    expect(pieces).toEqual(['Hello ', 'wörld']);
  });

  it('holds back what a sampler may still change', async () => {
    const { ask, state } = await edge();
    state.behave = (job) => {
      const [accepted, first, second, done] = recorded(job);
      return ndjson([accepted, { ...first, settled: 1 }, { ...second, remasked: [2], settled: 1 }, done]);
    };
    const events = parseEvents(await (await ask({ prompt: 'p', seed: 1, stream: 'text', cache: 'no-store' })).text());
    const pieces = events.filter(([name]) => name === 'text').map(([, data]) => (data as { text: string }).text);
    expect(pieces).toEqual(['Hello ', 'wörld']);
    expect(events.map(([name]) => name)).toEqual(['accepted', 'text', 'text', 'done', 'message']);
  });

  it('fails rather than take back what it has sent', async () => {
    const { ask, state } = await edge();
    state.behave = (job) => {
      const events = recorded(job);
      return ndjson([events[0], { ...events[1], remasked: [0] }, ...events.slice(2)]);
    };
    const events = parseEvents(await (await ask({ prompt: 'p', seed: 1, stream: 'text', cache: 'no-store' })).text());
    expect(events.at(-1)).toMatchObject(['problem', { problem: { code: 'backend_failed' } }]);
  });
});

describe('GET /v1/models', () => {
  it('lists the models of the backend and asks for them once a minute', async () => {
    const { fetch, calls } = await edge();
    for (let i = 0; i < 3; i++) {
      const response = await fetch('/v1/models');
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ object: 'list', data: [{ object: 'model', id: 'small' }] });
    }
    expect(calls()).toEqual(['/models']);
  });
});
