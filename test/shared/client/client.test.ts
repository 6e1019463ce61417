/** The client against a server on the loopback interface that loses connections, is busy, and states problems. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, MaskwrightError } from '../../../shared/client/client.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers its n-th request by the n-th handler, the last one for all that come behind. */
async function serve(...handlers: Handler[]) {
  const requests: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];
  server = createServer((request, response) => {
    const handler = handlers[Math.min(requests.length, handlers.length - 1)];
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    request.resume().on('end', () => handler(request, response));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clientOf = (key: string) => createClient({ key, url: `http://127.0.0.1:${port}` });
  return { requests, client: clientOf('sk_test_x'), page: clientOf('pk_live_x') };
}

const EVENTS = [
  { type: 'accepted', id: 'gen_a', index: 0, positions: 3, fixed: [{ position: 0, text: 'A' }], steps: 2 },
  {
    type: 'step',
    index: 0,
    step: 1,
    committed: [{ position: 2, text: '.', confidence: 1 }],
    remasked: [],
    masks_left: 1,
  },
  {
    type: 'step',
    index: 0,
    step: 2,
    committed: [{ position: 1, text: ' b', confidence: 1 }],
    remasked: [],
    masks_left: 0,
  },
  { type: 'done', index: 0, text: 'A b.', holes: {}, constraints: [] },
];

/** The events from one number to another, and the end where they reach it. */
function stream(from: number, to: number): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    for (const [n, event] of EVENTS.entries()) {
      if (n >= from && n < to) response.write(`event: ${event.type}\nid: ${n}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    if (to >= EVENTS.length) response.end('data: [DONE]\n\n');
    else setTimeout(() => response.destroy(), 20);
  };
}

function refuse(status: number, code: string, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', 'x-request-id': 'req_1', ...headers });
    response.end(JSON.stringify({ status, title: code, detail: `detail of ${code}`, code, pointer: '/length' }));
  };
}

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe('the client', () => {
  it('gives a text as it stands behind every step', async () => {
    const { client } = await serve(stream(0, 4));
    const seen = await collect(client.steps({ prompt: 'x' }));
    expect(seen.map(({ step, text, done }) => [step, text, done])).toEqual([
      [0, 'A░░', false],
      [1, 'A░.', false],
      [2, 'A b.', false],
      [2, 'A b.', true],
    ]);
  });

  it('takes a lost stream up again where it was lost, as often as it brings something new', async () => {
    const { client, requests } = await serve(stream(0, 1), stream(1, 2), stream(2, 3), stream(3, 4));
    const seen = await collect(client.steps({ prompt: 'x' }));
    expect(seen.map(({ event }) => event)).toEqual(EVENTS);
    expect(requests.map(({ path, headers }) => [path, headers['last-event-id']])).toEqual([
      ['/v1/generations', undefined],
      ['/v1/generations/gen_a/events?stream=steps', '0'],
      ['/v1/generations/gen_a/events?stream=steps', '1'],
      ['/v1/generations/gen_a/events?stream=steps', '2'],
    ]);
  });

  it('gives up a stream that brings nothing any more', async () => {
    const { client, requests } = await serve(stream(0, 1), stream(9, 0));
    await expect(collect(client.steps({ prompt: 'x' }))).rejects.toMatchObject({ code: 'no_answer', status: 0 });
    expect(requests).toHaveLength(3);
  });

  it('throws the problem that a stream ends in', async () => {
    const { client } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const problem = { status: 504, title: 't', detail: 'late', code: 'deadline_exceeded' };
      response.end(`event: problem\ndata: ${JSON.stringify({ type: 'problem', problem })}\n\n`);
    });
    await expect(collect(client.text({ prompt: 'x' }))).rejects.toMatchObject({
      code: 'deadline_exceeded',
      status: 504,
    });
  });

  it('tries again what is busy, under the same Idempotency-Key, and waits as long as it is asked to', async () => {
    const answer: Handler = (_request, response) => response.end(JSON.stringify({ text: 'x' }));
    const { client, requests } = await serve(
      refuse(429, 'overloaded', { 'retry-after': '0' }),
      refuse(503, 'backend_unavailable'),
      answer,
    );
    expect(await client.generate({ prompt: 'x' })).toEqual({ text: 'x' });
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(3);
  });

  it('says what was wrong with a request and does not send it again', async () => {
    const { client, requests } = await serve(refuse(422, 'unsatisfiable_constraints'));
    const error = await client.generate({ prompt: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MaskwrightError);
    expect(error).toMatchObject({
      code: 'unsatisfiable_constraints',
      pointer: '/length',
      requestId: 'req_1',
      status: 422,
    });
    expect(requests).toHaveLength(1);
  });

  it('gives up what asks for more patience than a minute', async () => {
    const { client, requests } = await serve(refuse(429, 'rate_limited', { 'retry-after': '3600' }));
    await expect(client.generate({ prompt: 'x' })).rejects.toMatchObject({ retryAfter: 3600 });
    expect(requests).toHaveLength(1);
  });

  it('reads what is not ours as an error with its status', async () => {
    const { client } = await serve((_request, response) => response.writeHead(404).end('<html>nothing here</html>'));
    await expect(client.models()).rejects.toMatchObject({ code: 'unreadable', status: 404 });
  });

  it('stops waiting when its caller stops', async () => {
    const { client } = await serve(refuse(503, 'backend_unavailable', { 'retry-after': '30' }));
    const started = performance.now();
    const reason = new Error('enough');
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 50);
    await expect(client.generate({ prompt: 'x' }, { signal: stop.signal })).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('closes the connection when its reader breaks off', async () => {
    let closed = false;
    const { client } = await serve((_request, response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: accepted\nid: 0\ndata: ${JSON.stringify(EVENTS[0])}\n\n`);
    });
    for await (const _ of client.steps({ prompt: 'x' })) break;
    await expect.poll(() => closed).toBe(true);
  });
});

describe('the client of presets', () => {
  it('gives a run as it stands behind every step, and takes it up again with a secret key', async () => {
    const { client, requests } = await serve(stream(0, 2), stream(2, 4));
    const seen = await collect(client.presets.steps('preset_a', { name: 'Ada' }));
    expect(seen.map(({ text }) => text)).toEqual(['A░░', 'A░.', 'A b.', 'A b.']);
    expect(requests.map(({ path }) => path)).toEqual([
      '/v1/presets/preset_a/runs',
      '/v1/generations/gen_a/events?stream=steps',
    ]);
  });

  it('does not try in a page what its key may not do', async () => {
    const { page, requests } = await serve(stream(0, 2));
    await expect(collect(page.presets.steps('preset_a'))).rejects.toMatchObject({ code: 'no_answer' });
    expect(requests).toHaveLength(1);
  });

  it('makes a preset once, and everything else as often as it takes', async () => {
    const preset = { name: 'p', request: { prompt: 'p' }, daily_limit_micro_dollars: 1 };
    const { client, requests } = await serve(refuse(503, 'ledger_unavailable', { 'retry-after': '0' }));
    await expect(client.presets.create(preset)).rejects.toMatchObject({ status: 503 });
    expect(requests).toHaveLength(1);
    await expect(client.presets.replace('preset_a', preset)).rejects.toMatchObject({ status: 503 });
    expect(requests.slice(1).map(({ method, path }) => `${method} ${path}`)).toEqual(
      Array.from({ length: 3 }, () => 'PUT /v1/presets/preset_a'),
    );
  });

  it('opens a session, with a token of Turnstile once', async () => {
    const { client, requests } = await serve(refuse(502, 'upstream_failed', { 'retry-after': '0' }));
    const opened = (more: object) => client.presets.openSession({ preset: 'preset_a', ...more });
    await expect(opened({ turnstile_token: 't' })).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(requests.length).toBe(1);
    await expect(opened({ origin: 'https://shop.example' })).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(requests.slice(1).map(({ path }) => path)).toEqual(Array.from({ length: 3 }, () => '/v1/client_sessions'));
  });

  it('reads a page of presets, and deletes one', async () => {
    const { client, requests } = await serve(
      (_request, response) => response.end('{"data":[],"has_more":false}'),
      (_request, response) => response.writeHead(204).end(),
    );
    expect(await client.presets.list({ limit: 5, after: 'preset_b' })).toEqual({ data: [], has_more: false });
    await client.presets.delete('preset_a');
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/presets?limit=5&after=preset_b',
      'DELETE /v1/presets/preset_a',
    ]);
  });
});
