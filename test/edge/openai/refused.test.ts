import { describe, expect, it } from 'vitest';
import { edge } from '../upstream.ts';
import { CHAT, COMPLETIONS, FIM, post, user } from './post.ts';

type Row = [
  what: string,
  path: string,
  body: object,
  status: number,
  code: string,
  pointer: string,
  param: string | null,
];

const chat = user('p');
const schema = (inner: object) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'a', schema: inner } },
});

const REFUSED: Row[] = [
  ['tools', CHAT, { ...chat, tools: [{}] }, 400, 'unsupported_field', '/tools', 'tools'],
  ['log probabilities', CHAT, { ...chat, logprobs: true }, 400, 'unsupported_field', '/logprobs', 'logprobs'],
  [
    'a penalty',
    CHAT,
    { ...chat, frequency_penalty: 0.5 },
    400,
    'unsupported_field',
    '/frequency_penalty',
    'frequency_penalty',
  ],
  ['nucleus sampling', COMPLETIONS, { top_p: 0.9 }, 400, 'unsupported_field', '/top_p', 'top_p'],
  [
    'any JSON object',
    CHAT,
    { ...chat, response_format: { type: 'json_object' } },
    400,
    'unsupported_field',
    '/response_format/type',
    'response_format.type',
  ],
  [
    'an image',
    CHAT,
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
    400,
    'unsupported_field',
    '/messages/0/content/0/type',
    'messages[0].content[0].type',
  ],
  [
    'the role of a tool',
    CHAT,
    { messages: [{ role: 'tool', content: 'x' }] },
    400,
    'unsupported_field',
    '/messages/0/role',
    'messages[0].role',
  ],
  ['a template around a prompt', COMPLETIONS, { template: '{{x}}' }, 400, 'unsupported_field', '/template', 'template'],
  [
    'a JSON Schema between prompt and suffix',
    COMPLETIONS,
    { guided_json: {} },
    400,
    'unsupported_field',
    '/guided_json',
    'guided_json',
  ],
  [
    'padding',
    CHAT,
    { ...chat, stream: true, stream_options: { include_obfuscation: true } },
    400,
    'unsupported_field',
    '/stream_options/include_obfuscation',
    'stream_options.include_obfuscation',
  ],
  ['an unknown field', CHAT, { ...chat, max_token: 3 }, 400, 'unknown_field', '/max_token', 'max_token'],
  ['no message', CHAT, {}, 400, 'invalid_request', '/messages', 'messages'],
  ['nothing to go on from', FIM, { suffix: 'x' }, 400, 'invalid_request', '/prompt', 'prompt'],
  ['two prompts', COMPLETIONS, { prompt: ['a', 'b'] }, 400, 'invalid_request', '/prompt', 'prompt'],
  [
    'an answer as the last word',
    CHAT,
    { messages: [{ role: 'assistant', content: 'x' }] },
    400,
    'invalid_request',
    '/messages/0/role',
    'messages[0].role',
  ],
  ['a long conversation', CHAT, user('a'.repeat(2001)), 422, 'limit_exceeded', '/messages', 'messages'],
  ['a long prompt', COMPLETIONS, { prompt: 'a'.repeat(8001) }, 422, 'limit_exceeded', '/prompt', 'prompt'],
  [
    'the same said twice',
    CHAT,
    { ...chat, regex: 'a', guided_regex: 'a' },
    400,
    'invalid_request',
    '/guided_regex',
    'guided_regex',
  ],
  [
    'options of a stream without one',
    CHAT,
    { ...chat, stream_options: {} },
    400,
    'invalid_request',
    '/stream_options',
    'stream_options',
  ],
  ['snapshots without a stream', CHAT, { ...chat, diffusing: true }, 400, 'invalid_request', '/diffusing', 'diffusing'],
  [
    'a keyword that cannot be enforced',
    CHAT,
    { ...chat, ...schema({ type: 'array', uniqueItems: true }) },
    422,
    'unsupported_constraint',
    '/response_format/json_schema/schema/uniqueItems',
    'response_format.json_schema.schema.uniqueItems',
  ],
  [
    'a regex that is none',
    CHAT,
    { ...chat, response_format: { type: 'regex', pattern: '(' } },
    400,
    'invalid_request',
    '/response_format/pattern',
    'response_format.pattern',
  ],
  [
    'a regex that is none, for a completion',
    FIM,
    { prompt: 'x', structured_outputs: { regex: '(' } },
    400,
    'invalid_request',
    '/structured_outputs/regex',
    'structured_outputs.regex',
  ],
  [
    'too little room',
    CHAT,
    { ...chat, max_tokens: 2, length: { unit: 'characters', min: 99 } },
    422,
    'unsatisfiable_constraints',
    '/length',
    'length',
  ],
  [
    'a prompt that leaves no room',
    COMPLETIONS,
    { prompt: 'a '.repeat(3000) },
    422,
    'unsatisfiable_constraints',
    '/prompt',
    'prompt',
  ],
  [
    'choices it must not be',
    COMPLETIONS,
    { choices: ['a\n'], stop: ['x', '\n'] },
    422,
    'unsatisfiable_constraints',
    '/prompt',
    'prompt',
  ],
  ['an unknown model', CHAT, { ...chat, model: 'gpt-4o' }, 404, 'unknown_model', '/model', 'model'],
  [
    'an effort said twice',
    CHAT,
    { ...chat, reasoning_effort: 'low', diffusion: { effort: 'best' } },
    400,
    'invalid_request',
    '/reasoning_effort',
    'reasoning_effort',
  ],
];

describe('refused, by the name it has in the body, before anything runs', () => {
  it.each(REFUSED)('%s', async (_what, path, body, status, code, pointer, param) => {
    const server = await edge();
    const response = await post(server, path, body);
    const problem = (await response.json()) as { code: string; pointer: string; detail: string; error: object };
    expect({ status: response.status, code: problem.code, pointer: problem.pointer }).toEqual({
      status,
      code,
      pointer,
    });
    expect(problem.error).toMatchObject({ code, param, message: problem.detail });
    expect(problem.detail).not.toMatch(/\/holes/);
    expect(server.generations()).toBe(0);
  });

  it('every constraint in a conflict is named as the body names it', async () => {
    const server = await edge();
    const body = { prompt: 'a', max_tokens: 2, length: { unit: 'characters', min: 99 }, stop: ['x'] };
    const problem = (await (await post(server, COMPLETIONS, body)).json()) as {
      conflict: string[];
      achievable: string;
    };
    expect(problem.conflict.toSorted()).toEqual(['/length', '/max_tokens', '/prompt']);
    expect(problem.achievable).toContain('with /prompt, /length');
  });
});

describe('whether to try again', () => {
  it('is answered where a client of OpenAI’s would do so by its status', async () => {
    const server = await edge();
    server.state.behave = () =>
      Response.json({ code: 'overloaded', detail: 'busy' }, { status: 429, headers: { 'retry-after': '3' } });
    const busy = await post(server, CHAT, user('p'));
    expect([busy.status, busy.headers.get('retry-after-ms'), busy.headers.get('x-should-retry')]).toEqual([
      429,
      '3000',
      null,
    ]);
    server.state.behave = () => Response.json({ code: 'check_failed', detail: 'bad' }, { status: 500 });
    const failed = await post(server, CHAT, user('p'));
    expect([failed.status, failed.headers.get('x-should-retry')]).toEqual([500, 'false']);
  });
});
