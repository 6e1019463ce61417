/** OpenAI's own client before an edge whose service does what the test says. */
import OpenAI, { APIError, AuthenticationError, RateLimitError, UnprocessableEntityError } from 'openai';
import { describe, expect, it } from 'vitest';
import { problemBody } from '../../../shared/contract/problem.ts';
import { edge, ndjson, recorded } from '../upstream.ts';

async function setup() {
  const server = await edge();
  const sent: Headers[] = [];
  const client = new OpenAI({
    apiKey: 'unused',
    baseURL: 'https://edge.invalid/v1',
    dangerouslyAllowBrowser: true,
    maxRetries: 2,
    fetch: (url, init) => {
      const headers = new Headers(init?.headers);
      sent.push(headers);
      // The key is that of the test's account.
      headers.delete('authorization');
      const { pathname, search } = new URL(String(url));
      return server.fetch(pathname + search, { ...init, headers: Object.fromEntries(headers) });
    },
  });
  return { server, client, sent };
}

const ask = { model: 'small', messages: [{ role: 'user' as const, content: 'p' }] };

describe('what OpenAI’s client tries again', () => {
  it.each([
    ['too much work', 'overloaded', 429],
    ['a service that cannot be reached', 'backend_unavailable', 503],
  ] as const)('%s, until it is answered', async (_what, code, status) => {
    const { server, client, sent } = await setup();
    const { behave } = server.state;
    let failures = 2;
    server.state.behave = (job, signal) =>
      failures-- > 0
        ? Response.json(problemBody({ code, detail: 'busy' }), { status, headers: { 'retry-after': '0' } })
        : behave(job, signal);
    const answer = await client.chat.completions.create(ask);
    expect(answer.choices[0].message.content).toBe('Hello wörld');
    expect(sent.length).toBeGreaterThan(1);
  });

  it('is given up where it is still refused', async () => {
    const { server, client, sent } = await setup();
    server.state.behave = () =>
      Response.json(problemBody({ code: 'overloaded', detail: 'busy' }), {
        status: 429,
        headers: { 'retry-after': '0' },
      });
    const error = await client.chat.completions.create(ask).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(sent).toHaveLength(3);
  });

  it('not what fails the same way again', async () => {
    const { server, client, sent } = await setup();
    server.state.behave = (job) =>
      ndjson([recorded(job)[0], { type: 'problem', problem: { code: 'check_failed', detail: 'withheld' } }]);
    const error = await client.chat.completions.create(ask).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 500, code: 'check_failed' });
    expect(sent).toHaveLength(1);
  });

  it('nor a refusal', async () => {
    const { client, sent } = await setup();
    const error = await client.chat.completions
      .create({ ...ask, stop: 'a', regex: 'a+' } as typeof ask)
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(UnprocessableEntityError);
    expect(error).toMatchObject({
      code: 'unsatisfiable_constraints',
      param: 'regex',
      type: 'invalid_request_error',
      requestID: expect.stringMatching(/^req_/),
    });
    expect(sent).toHaveLength(1);
  });
});

it('a failure in the middle of a stream is thrown where it is read', async () => {
  const { server, client } = await setup();
  server.state.behave = (job) =>
    ndjson([...recorded(job).slice(0, 2), { type: 'problem', problem: { code: 'deadline_exceeded', detail: 'late' } }]);
  const stream = await client.chat.completions.create({ ...ask, stream: true });
  const read: string[] = [];
  const reading = (async () => {
    for await (const { choices } of stream) read.push(choices[0].delta.content ?? '');
  })();
  const error = await reading.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ code: 'deadline_exceeded', type: 'api_error' });
  expect(read.join('')).toBe('Hello ');
});

it('a key that is not known is an error of authentication', async () => {
  const { server } = await setup();
  const client = new OpenAI({
    apiKey: 'sk_test_wrong',
    baseURL: 'https://edge.invalid/v1',
    dangerouslyAllowBrowser: true,
    fetch: (url, init) => {
      const headers = Object.fromEntries(new Headers(init?.headers));
      return server.fetch(new URL(String(url)).pathname, { ...init, headers });
    },
  });
  await expect(client.models.list()).rejects.toBeInstanceOf(AuthenticationError);
});
