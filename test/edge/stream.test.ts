import { afterEach, describe, expect, it, vi } from 'vitest';
import { streamOf } from '../../edge/answers/stream.ts';
import { generate } from '../../edge/backends/forward.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { edge, ndjson, recorded } from './upstream.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
afterEach(() => vi.restoreAllMocks());

/** A body that says so much and then nothing, and whether it was let go. */
function silentBehind(events: readonly object[]) {
  const state = { cancelled: false, read: 0 };
  const lines = events.map((event, seq) => new TextEncoder().encode(`${JSON.stringify({ seq, ...event })}\n`));
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const line = lines[state.read];
        if (line === undefined) return new Promise(() => {});
        state.read++;
        controller.enqueue(line);
      },
      cancel() {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { state, response: new Response(body) };
}

describe('a body of server-sent events', () => {
  it('says in silence that it lives, and loses nothing by it', async () => {
    async function* texts() {
      for (const text of ['a', 'b']) {
        await pause(80);
        yield `data: ${text}\n\n`;
      }
    }
    const body = await new Response(streamOf(texts(), () => {}, 15)).text();
    expect(body).toMatch(/^(: keep-alive\n\n)+data: a\n\n(: keep-alive\n\n)+data: b\n\n$/);
  });

  it('takes no more from the service than its reader asks for', async () => {
    const { ask, state } = await edge();
    const job = { id: 'x', request: { model: 'small', seed: 1 } } as GenerationJob;
    const many = Array.from({ length: 100 }, () => recorded(job)[1]);
    const upstream = silentBehind([recorded(job)[0], ...many]);
    state.behave = () => upstream.response;
    const response = await ask({ prompt: 'p', stream: 'steps' });
    await response.body!.getReader().read();
    await pause(50);
    expect(upstream.state.read).toBeLessThan(8);
  });
});

describe('a reader who goes away', () => {
  it.each(['steps', 'text'])('closes the connection to the service: a stream of %s', async (stream) => {
    const { ask, state } = await edge();
    let signal: AbortSignal | null | undefined;
    const upstream = silentBehind(recorded({ id: 'x', request: { model: 'small', seed: 1 } }).slice(0, 2));
    state.behave = (_job, given) => {
      signal = given;
      return upstream.response;
    };
    const reader = (await ask({ prompt: 'p', stream })).body!.getReader();
    await reader.read();
    await reader.cancel();
    expect(signal?.aborted).toBe(true);
  });

  it('before an answer that is not streamed, closes it where the runtime tells', async () => {
    const { fetch, state } = await edge();
    const asked = Promise.withResolvers<AbortSignal | null | undefined>();
    state.behave = (job, signal) => {
      asked.resolve(signal);
      return silentBehind(recorded(job).slice(0, 2)).response;
    };
    const leave = new AbortController();
    const headers = { 'content-type': 'application/json' };
    void fetch('/v1/generations', { method: 'POST', headers, body: '{"prompt":"p"}', signal: leave.signal }).catch(
      () => {},
    );
    const signal = await asked.promise;
    expect(signal?.aborted).toBe(false);
    leave.abort();
    await vi.waitFor(() => expect(signal?.aborted).toBe(true));
  });
});

describe('a job', () => {
  it('is kept for a reader who may come back only where it is streamed', async () => {
    const { ask, jobs, account } = await edge();
    for (const stream of [undefined, false, 'text', 'steps']) await (await ask({ prompt: 'p', stream })).text();
    expect(jobs.map(({ resume_ms, owner }) => [resume_ms, owner])).toEqual([
      [undefined, account.id],
      [undefined, account.id],
      [15_000, account.id],
      [15_000, account.id],
    ]);
    // Less what has passed of it already.
    for (const { deadline_ms } of jobs) {
      expect(deadline_ms).toBeGreaterThan(119_000);
      expect(deadline_ms).toBeLessThanOrEqual(120_000);
    }
  });

  it('that is late is answered with 504', async () => {
    const { ask, state } = await edge();
    state.behave = () => Response.json({ code: 'deadline_exceeded', detail: 'late' }, { status: 504 });
    expect((await ask({ prompt: 'p' })).status).toBe(504);
    state.behave = (job) =>
      ndjson([recorded(job)[0], { type: 'problem', problem: { code: 'deadline_exceeded', detail: 'late' } }]);
    const response = await ask({ prompt: 'p' });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([504, 'deadline_exceeded']);
  });

  it('of which the service says nothing at all is late too', async () => {
    const { env, state } = await edge();
    state.behave = (_job, signal) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
    const job = { id: 'x', deadline_ms: 10, request: { model: 'small', seed: 1 } } as GenerationJob;
    const never = new AbortController().signal;
    await expect(generate(env, job, never).next()).rejects.toMatchObject({ problem: { code: 'deadline_exceeded' } });
  });
});
