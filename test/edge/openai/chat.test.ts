import { describe, expect, it } from 'vitest';
import { edge, ndjson, recorded } from '../upstream.ts';
import { CHAT, chunksOf, piecesOf, post, user } from './post.ts';

async function nativeOf(body: object): Promise<Record<string, unknown>> {
  const server = await edge();
  const response = await post(server, CHAT, body);
  expect(await response.text()).toContain('chat.completion');
  const { model: _model, seed: _seed, ...request } = server.jobs[0].request;
  return request;
}

describe('a conversation', () => {
  it('of one message is the prompt as it is', async () => {
    expect(await nativeOf(user('a warm blanket'))).toEqual({ prompt: 'a warm blanket' });
  });

  it('without an answer in it is its contents, an empty line between them', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'For a ' },
          { type: 'text', text: 'shop.' },
        ],
      },
      { role: 'user', content: 'a blanket' },
    ];
    expect(await nativeOf({ messages })).toEqual({ prompt: 'Be brief.\n\nFor a shop.\n\na blanket' });
  });

  it('with an answer in it says who said what', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'Bye' },
    ];
    expect(await nativeOf({ messages })).toEqual({
      prompt: 'Be brief.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye',
    });
  });
});

describe('what the text has to be', () => {
  const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };
  it.each([
    [
      'a JSON Schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } },
      { json_schema: schema },
    ],
    [
      'a JSON Schema, however strict',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema, strict: false } } },
      { json_schema: schema },
    ],
    ["vLLM's schema", { guided_json: schema }, { json_schema: schema }],
    ['a regex', { response_format: { type: 'regex', pattern: '[a-z]+' } }, { regex: '[a-z]+' }],
    ["vLLM's regex", { structured_outputs: { regex: '[a-z]+' } }, { regex: '[a-z]+' }],
    ["vLLM's choices", { guided_choice: ['yes', 'no'] }, { choices: ['yes', 'no'] }],
    ['no more tokens', { max_tokens: 9 }, { length: [{ unit: 'tokens', max: 9 }] }],
    [
      'no more tokens than any text can have',
      { max_completion_tokens: 100_000 },
      { length: [{ unit: 'tokens', max: 4096 }] },
    ],
    [
      'so long, and no more tokens',
      { max_tokens: 9, length: { unit: 'words', max: 4 } },
      {
        length: [
          { unit: 'words', max: 4 },
          { unit: 'tokens', max: 9 },
        ],
      },
    ],
    ['without what it would stop before', { stop: ['\n'], exclude: ['x'] }, { exclude: ['x', '\n'] }],
    [
      'with some effort',
      { reasoning_effort: 'instant', diffusion: { steps: 4 } },
      { diffusion: { steps: 4, effort: 'fast' } },
    ],
    ['streamed', { stream: true }, { stream: 'text' }],
    ['streamed step by step', { stream: true, diffusing: true }, { stream: 'steps' }],
  ])('%s', async (_what, body, native) => {
    expect(await nativeOf({ ...user('p'), ...body })).toEqual({ prompt: 'p', ...native });
  });

  it('is described to the model where the format describes it', async () => {
    const response_format = { type: 'json_schema', json_schema: { name: 'a', schema, description: 'An offer.' } };
    expect(await nativeOf({ ...user('a blanket'), response_format })).toMatchObject({
      prompt: 'a blanket\n\nAn offer.',
    });
  });
});

describe('an answer', () => {
  it("has OpenAI's members, and ours beside them", async () => {
    const server = await edge();
    const response = await post(server, CHAT, { ...user('p'), seed: 7, metadata: { order: '3' } });
    expect(response.headers.get('x-request-id')).toMatch(/^req_/);
    const body = (await response.json()) as Record<string, unknown>;
    expect(Math.abs((body.created as number) - Date.now() / 1000)).toBeLessThan(60);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^gen_/),
      object: 'chat.completion',
      model: 'small',
      system_fingerprint: 'r1',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello wörld', refusal: null },
          finish_reason: 'stop',
          logprobs: null,
          constraints: [],
        },
      ],
      usage: { prompt_tokens: 0, completion_tokens: 4, total_tokens: 4, positions: 4, denoising_steps: 2 },
      metadata: { order: '3' },
      seed: 7,
    });
    expect((body.choices as object[])[0]).not.toHaveProperty('holes');
  });

  it('under a template of one’s own has the values of its holes', async () => {
    const server = await edge();
    const response = await post(server, CHAT, { ...user('p'), template: 'Hello {{name}}' });
    expect(await response.json()).toMatchObject({ choices: [{ holes: { name: 'wörld' } }] });
  });

  it('of several texts has them in order', async () => {
    const server = await edge();
    server.state.behave = (job) => ndjson([...recorded(job, 1), ...recorded(job, 0)]);
    const body = (await (await post(server, CHAT, { ...user('p'), n: 2 })).json()) as { choices: object[] };
    expect(body).toMatchObject({ choices: [{ index: 0 }, { index: 1 }], usage: { total_tokens: 8 } });
  });
});

describe('a stream', () => {
  it('opens each choice with its role, sends what can no longer change, and says that it is finished', async () => {
    const server = await edge();
    const response = await post(server, CHAT, { ...user('p'), stream: true });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const { chunks, end } = await chunksOf(response);
    expect(end).toBe('[DONE]');
    expect(chunks[0]).toMatchObject({
      object: 'chat.completion.chunk',
      seed: expect.any(Number),
      cache: { status: 'bypass' },
    });
    expect(chunks.map(({ choices }) => [choices[0].delta, choices[0].finish_reason])).toEqual([
      [{ role: 'assistant', content: '' }, null],
      [{ content: 'Hello ' }, null],
      [{ content: 'wörld' }, null],
      [{}, 'stop'],
    ]);
    expect(chunks.every((chunk) => !('usage' in chunk) && !('diffusion' in chunk))).toBe(true);
  });

  it('ends with its usage where that was asked for, and says until then that it is to come', async () => {
    const server = await edge();
    const body = { ...user('p'), n: 2, stream: true, stream_options: { include_usage: true } };
    const { chunks } = await chunksOf(await post(server, CHAT, body));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 8, denoising_steps: 4 } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect([0, 1].map((index) => piecesOf(chunks, index).join(''))).toEqual(['Hello wörld', 'Hello wörld']);
  });

  it('of snapshots sends the whole text as it stands, masks and all', async () => {
    const server = await edge();
    const { chunks } = await chunksOf(await post(server, CHAT, { ...user('p'), stream: true, diffusing: true }));
    expect(piecesOf(chunks)).toEqual(['Hello ░░░', 'Hello ░\ufffdrld░', 'Hello wörld']);
  });

  it('has the events of the denoising as chunks without choices, where they were asked for', async () => {
    const server = await edge();
    const body = { ...user('p'), stream: true, stream_options: { include_diffusion: true } };
    const { chunks } = await chunksOf(await post(server, CHAT, body));
    const events = chunks.filter(({ diffusion }) => diffusion !== undefined);
    expect(events.map(({ diffusion }) => diffusion?.type)).toEqual(['accepted', 'step', 'step', 'done']);
    expect(events.every(({ choices, object }) => choices.length === 0 && object === 'chat.completion.chunk')).toBe(
      true,
    );
    expect(piecesOf(chunks).join('')).toBe('Hello wörld');
  });

  it("that fails midway ends with OpenAI's error object and no [DONE]", async () => {
    const server = await edge();
    server.state.behave = (job) => ndjson(recorded(job).slice(0, 2));
    const { chunks, end } = await chunksOf(await post(server, CHAT, { ...user('p'), stream: true }));
    expect(end).toBe('broken off');
    expect(chunks.at(-1)?.error).toMatchObject({ code: 'backend_failed', type: 'api_error', param: null });
  });
});
