/** OpenAI's own client against a local run: the shipped model behind the real service behind the edge. */
import { join } from 'node:path';
import OpenAI, { BadRequestError, NotFoundError, UnprocessableEntityError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalServices, startServices } from '../../scripts/local/services.ts';

const root = join(import.meta.dirname, '..', '..');
let services: LocalServices;
let client: OpenAI;

beforeAll(async () => {
  services = (await startServices(root, new Promise(() => undefined)))!;
  client = new OpenAI({ apiKey: services.key, baseURL: `${services.url}/v1`, maxRetries: 0 });
}, 180_000);

afterAll(() => services?.stop());

const model = 'maskwright-small';
const messages = [{ role: 'user' as const, content: 'a warm blanket' }];

interface Ours {
  readonly usage: { readonly positions: number; readonly denoising_steps: number; readonly price?: object };
  readonly seed: number;
}

describe('completions', () => {
  it('with a suffix give what stands between, in one piece or in many', async () => {
    const body = { model, prompt: 'The room {is', suffix: ' in the evening}.', max_tokens: 16, seed: 5 };
    const whole = await client.completions.create(body);
    const [{ text, finish_reason }] = whole.choices;
    expect(text.trim()).not.toBe('');
    expect(finish_reason).toBe('stop');
    const { prompt_tokens, completion_tokens, total_tokens } = whole.usage!;
    expect([prompt_tokens > 5, completion_tokens <= 16, prompt_tokens + completion_tokens]).toEqual([
      true,
      true,
      total_tokens,
    ]);
    expect((whole as unknown as Ours).usage.positions).toBe(total_tokens);

    const stream = await client.completions.create({ ...body, stream: true, stream_options: { include_usage: true } });
    let streamed = '';
    let usage: OpenAI.CompletionUsage | undefined;
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.text ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(streamed).toBe(text);
    expect(usage?.total_tokens).toBe(total_tokens);
  });

  it('end before what they are to stop at, and hold what is asked of them', async () => {
    const answer = await client.completions.create({
      model,
      prompt: 'The restaurant',
      stop: [' is', '\n'],
      n: 3,
      ...{ length: { unit: 'words', min: 3, max: 6 } },
    });
    expect(answer.choices).toHaveLength(3);
    for (const { text } of answer.choices) {
      expect(text).not.toMatch(/ is|\n/);
      expect(text.trim().split(/\s+/).length).toBeLessThanOrEqual(6);
    }
  });

  it('of Inception’s kind are answered too', async () => {
    const answer = (await client.post('/fim/completions', {
      body: { model, prompt: 'The ', suffix: ' is open.', max_tokens: 8 },
    })) as OpenAI.Completion;
    expect(answer).toMatchObject({ object: 'text_completion', choices: [{ index: 0, text: expect.any(String) }] });
  });
});

describe('chat completions', () => {
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 20 },
      kind: { enum: ['pub', 'café'] },
      price: { type: 'integer', minimum: 1, maximum: 99 },
    },
    required: ['name', 'kind', 'price'],
    additionalProperties: false,
  };

  it('under a strict JSON Schema parse to what it says, by the client’s own helper', async () => {
    const completion = await client.chat.completions.parse({
      model,
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } },
    });
    const value = JSON.parse(completion.choices[0].message.content!) as { kind: string; price: number; name: string };
    expect(Object.keys(value)).toEqual(['name', 'kind', 'price']);
    expect(['pub', 'café']).toContain(value.kind);
    expect(Number.isInteger(value.price) && value.price >= 1 && value.price <= 99).toBe(true);
  });

  it('are streamed with their usage, through the client’s own accumulator', async () => {
    const stream = client.chat.completions.stream({
      model,
      messages,
      max_tokens: 24,
      seed: 9,
      stream_options: { include_usage: true },
    });
    const final = await stream.finalChatCompletion();
    const whole = await client.chat.completions.create({ model, messages, max_tokens: 24, seed: 9 });
    expect(final.choices[0].message.content).toBe(whole.choices[0].message.content);
    expect(final.choices[0].finish_reason).toBe('stop');
    expect(final.usage?.total_tokens).toBe(whole.usage?.total_tokens);
  });

  it('show the whole text at each step where that is asked for', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      max_tokens: 24,
      seed: 9,
      stream: true,
      ...{ diffusing: true },
    } as OpenAI.ChatCompletionCreateParamsStreaming);
    const snapshots: string[] = [];
    for await (const { choices } of stream) if (choices[0].delta.content) snapshots.push(choices[0].delta.content);
    const masks = snapshots.map((text) => text.split('░').length - 1);
    expect(masks[0]).toBeGreaterThan(0);
    expect(masks).toEqual(masks.toSorted((a, b) => b - a));
    const whole = await client.chat.completions.create({ model, messages, max_tokens: 24, seed: 9 });
    expect(snapshots.at(-1)).toBe(whole.choices[0].message.content);
  });

  it('tell their steps as chunks without choices where that is asked for', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      max_tokens: 12,
      stream: true,
      stream_options: { include_diffusion: true },
    } as OpenAI.ChatCompletionCreateParamsStreaming);
    const types: string[] = [];
    let text = '';
    for await (const chunk of stream) {
      const { diffusion } = chunk as unknown as { diffusion?: { type: string } };
      if (diffusion !== undefined) types.push(diffusion.type);
      text += chunk.choices[0]?.delta.content ?? '';
    }
    expect([types[0], types.at(-1), new Set(types)]).toEqual([
      'accepted',
      'done',
      new Set(['accepted', 'step', 'done']),
    ]);
    expect(text).not.toBe('');
  });
});

describe('errors', () => {
  it('have the class, code, parameter and request of OpenAI’s', async () => {
    const tried = (body: object) =>
      client.chat.completions
        .create({ model, messages, ...body } as OpenAI.ChatCompletionCreateParamsNonStreaming)
        .catch((thrown: unknown) => thrown);
    const unsupported = await tried({ logprobs: true });
    expect(unsupported).toBeInstanceOf(BadRequestError);
    expect(unsupported).toMatchObject({
      code: 'unsupported_field',
      param: 'logprobs',
      requestID: expect.stringMatching(/^req_/),
    });
    expect(await tried({ messages: [{ role: 'user', content: 1 }] })).toMatchObject({
      status: 400,
      code: 'invalid_request',
      param: 'messages[0].content',
    });
    expect(await tried({ model: 'gpt-4o' })).toBeInstanceOf(NotFoundError);
    const impossible = await tried({ max_tokens: 2, length: { unit: 'characters', min: 200 } });
    expect(impossible).toBeInstanceOf(UnprocessableEntityError);
    expect(impossible).toMatchObject({ code: 'unsatisfiable_constraints', type: 'invalid_request_error' });
  });
});

it('under an Idempotency-Key a request is computed and paid once, and answered the same', async () => {
  const headers = { 'Idempotency-Key': crypto.randomUUID() };
  const body = { model, messages, max_tokens: 12 };
  const [first, second] = [
    await client.chat.completions.create(body, { headers }),
    await client.chat.completions.create(body, { headers }),
  ];
  expect(second.choices).toEqual(first.choices);
  expect([first, second].map((answer) => (answer as unknown as Ours).usage.price)).toMatchObject([
    { origin: 'computed' },
    { origin: 'replayed', micro_dollars: 0 },
  ]);
  const other = client.chat.completions.create({ ...body, max_tokens: 13 }, { headers });
  await expect(other).rejects.toMatchObject({ status: 422, code: 'idempotency_mismatch' });
});

it('models are listed, and found by their ids', async () => {
  const models = [];
  for await (const each of client.models.list()) models.push(each);
  expect(models[0]).toMatchObject({ object: 'model', owned_by: 'maskwright', created: expect.any(Number) });
  expect(await client.models.retrieve(models[0].id)).toEqual(models[0]);
  await expect(client.models.retrieve('none')).rejects.toBeInstanceOf(NotFoundError);
});
