import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatSchema, completionSchema, fimSchema } from '../../../shared/contract/openai.ts';
import { CHAT_REFUSED, COMPLETION_REFUSED } from '../../../shared/contract/openai-refused.ts';
import { edge } from '../upstream.ts';
import { CHAT, COMPLETIONS, FIM, post, user } from './post.ts';

type Server = Awaited<ReturnType<typeof edge>>;

/** What is told of an answer, and what was asked of the service for it, without what differs between any two requests. */
async function effectOf(server: Server, path: string, body: object): Promise<unknown> {
  const response = await post(server, path, body);
  const text = await response.text();
  const asked = server.jobs.splice(0).map(({ request: { seed: _seed, ...request } }) => request);
  const told = text.replaceAll(/"(id|seed|created)":("[^"]*"|\d+)/g, '').replaceAll(/"instance":"[^"]*"/g, '');
  return { status: response.status, told, asked };
}

/** A value of each field that says something. Two that say nothing of the answer stand for who asks. */
const SAYS: Record<string, unknown> = {
  model: 'small',
  messages: [{ role: 'user', content: 'q' }],
  max_tokens: 9,
  max_completion_tokens: 9,
  n: 2,
  seed: 3,
  temperature: 0.3,
  stop: ['x'],
  stream: true,
  stream_options: { include_usage: true },
  diffusing: true,
  reasoning_effort: 'high',
  response_format: { type: 'regex', pattern: '[a-z]+' },
  metadata: { a: 'b' },
  guided_regex: '[a-z]+',
  guided_choice: ['yes', 'no'],
  guided_json: { type: 'integer' },
  structured_outputs: { regex: '[a-z]+' },
  regex: '[a-z]+',
  choices: ['yes', 'no'],
  choice_probabilities: true,
  length: { unit: 'words', max: 3 },
  include: ['x'],
  exclude: ['x'],
  style: 'slogan',
  diffusion: { steps: 3 },
  cache: 'no-store',
  template: 'Hello {{name}}',
  holes: { name: { words: { max: 2 } } },
  facts: { price: '5' },
  prompt: 'q',
  suffix: 'd',
  echo: true,
};

/** What a field needs beside it to be allowed. */
const BESIDE: Record<string, object> = {
  stream_options: { stream: true },
  diffusing: { stream: true },
  choice_probabilities: { choices: ['yes', 'no'] },
  holes: { template: 'Hello {{name}}' },
};

/** They ask nothing of the answer. */
const OF_THE_CALLER = ['user', 'safety_identifier'];

const ROUTES = [
  { path: CHAT, schema: chatSchema, refused: CHAT_REFUSED, base: user('p') },
  { path: COMPLETIONS, schema: completionSchema, refused: COMPLETION_REFUSED, base: { prompt: 'Hello ' } },
  { path: FIM, schema: fimSchema, refused: COMPLETION_REFUSED, base: { prompt: 'Hello ' } },
];

describe.each(ROUTES)('$path', ({ path, schema, refused, base }) => {
  const own = Object.keys(schema.entries).filter((name) => !Object.hasOwn(refused, name));

  it.each(own.filter((name) => !OF_THE_CALLER.includes(name)))('%s changes what is asked or told', async (name) => {
    expect(SAYS).toHaveProperty(name);
    const server = await edge();
    // A model named is the one that answers anyway: it says something where there is no such model.
    const value = name === 'model' ? 'none' : SAYS[name];
    const beside = { ...base, ...BESIDE[name] };
    expect(await effectOf(server, path, { ...beside, [name]: value })).not.toEqual(
      await effectOf(server, path, beside),
    );
  });

  it.each(Object.keys(refused))('%s is refused by name unless it changes nothing', async (name) => {
    const server = await edge();
    const response = await post(server, path, { ...base, [name]: { what: ['ever'] } });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { code: 'unsupported_field', pointer: `/${name}`, error: { param: name } },
    ]);
    expect(await effectOf(server, path, { ...base, [name]: null })).toEqual(await effectOf(server, path, base));
  });
});

const likely = (name: string) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(SAYS[name] ?? null) },
    { weight: 2, arbitrary: fc.constantFrom<unknown>(null, 0, 1, false, true, [], {}, '', 'x', 'text') },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  );

it.each(ROUTES)(
  '$path: whatever the body, the answer is a text or a stated refusal that points into the body',
  async (route) => {
    const { path, schema, base } = route;
    const fields = Object.keys(schema.entries);
    const body = fc
      .subarray([...fields, 'other'], { minLength: 0, maxLength: 5 })
      .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, likely(name)]))));
    const server = await edge();
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 20, arbitrary: body }, fc.jsonValue({ maxDepth: 3 })), async (random) => {
        const plain = random !== null && typeof random === 'object' && !Array.isArray(random);
        const whole = plain ? { ...base, ...(random as object) } : random;
        const before = server.generations();
        const response = await post(server, path, whole);
        const text = await response.text();
        if (response.status === 200) {
          expect(text).not.toContain('"error"');
          return;
        }
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        const { code, pointer = '' } = JSON.parse(text) as { code: string; pointer?: string };
        expect(code).toMatch(/^[a-z_]+$/);
        const [, first] = pointer.split('/');
        if (first !== undefined) {
          const name = first.replaceAll('~1', '/').replaceAll('~0', '~');
          expect({ pointer, known: fields.includes(name) || Object.hasOwn(whole as object, name) }).toEqual({
            pointer,
            known: true,
          });
        }
        expect(server.generations()).toBe(before);
      }),
      { numRuns: 250, interruptAfterTimeLimit: 8_000 },
    );
  },
);
