/** Payments for single requests whose end is not the usual one: nobody settles them, or nobody waits for their answer. */
import { decodePaymentResponseHeader } from '@x402/core/http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectPayments } from '../../../edge/billing/x402/collect.ts';
import { problemBody } from '../../../shared/contract/problem.ts';
import { ndjson, recorded } from '../upstream.ts';
import { emptyTables, rowsOf } from './bindings.ts';
import { COST, codeOf, paying, request } from './paying.ts';

beforeEach(emptyTables);
afterEach(() => vi.restoreAllMocks());

const MINUTE = 60_000;

describe('a payment that does not settle', () => {
  it('is tried again until it does, where the facilitator is not there', async () => {
    const { paid, rows, state, chain, env, onChain } = await paying();
    const lines: Record<string, unknown>[] = [];
    vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(JSON.parse(line)));
    state.behave = (job) => {
      chain.down = true;
      return ndjson(recorded(job));
    };
    const { response } = await paid();
    expect(await response.json()).toMatchObject({ text: 'Hello wörld' });
    expect(response.headers.get('payment-response')).toBeNull();
    expect(await rows()).toMatchObject([{ state: 'settling', amount: COST, problem: 'no answer' }]);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', msg: 'a payment was not settled' }));
    await collectPayments(env, () => Date.now() + MINUTE);
    expect(await rows()).toMatchObject([{ state: 'settling' }]);
    chain.down = false;
    await collectPayments(env, () => Date.now() + 2 * MINUTE);
    expect(await rows()).toMatchObject([{ state: 'settled', amount: COST }]);
    expect([...onChain.values()]).toEqual([String(COST)]);
  });

  it('is given up, and logged, when nobody can settle it any more', async () => {
    const { paid, rows, state, chain, env } = await paying();
    state.behave = (job) => {
      chain.down = true;
      return ndjson(recorded(job));
    };
    await paid();
    await collectPayments(env, () => Date.now() + 60 * MINUTE);
    expect(await rows()).toMatchObject([{ state: 'lost' }]);
  });

  it('gives no answer where the facilitator refuses it, and is not tried again', async () => {
    const { paid, rows, chain, env, onChain } = await paying();
    chain.refuses = 'insufficient_funds';
    const { response } = await paid();
    expect(decodePaymentResponseHeader(response.headers.get('payment-response') ?? '')).toMatchObject({
      success: false,
      errorReason: 'insufficient_funds',
    });
    expect(await codeOf(response)).toEqual([402, 'payment_invalid']);
    chain.refuses = '';
    await collectPayments(env, () => Date.now() + 2 * MINUTE);
    expect(await rows()).toMatchObject([{ state: 'lost' }]);
    expect(onChain.size).toBe(0);
  });
});

describe('a payment whose reader left', () => {
  /** Reads a stream up to its first step and leaves; the service then says this of the job. */
  async function left(says: () => Response | Promise<Response>) {
    const running = await paying();
    const { env, state } = running;
    const backend = env.BACKEND;
    Object.assign(env, {
      BACKEND: {
        fetch: (url: string, init?: RequestInit) =>
          new URL(url).pathname.startsWith('/jobs/') ? says() : backend?.fetch(url, init),
      },
    });
    state.behave = (job, signal) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          const lines = recorded(job)
            .slice(0, 2)
            .map((event, seq) => `${JSON.stringify({ seq, ...event })}\n`);
          controller.enqueue(new TextEncoder().encode(lines.join('')));
          signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
        },
      });
      return new Response(body);
    };
    const { response } = await running.paid({ ...request, stream: 'steps' });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await running.settled();
    return running;
  }

  const work = (state: string, outcome?: string) => () =>
    Response.json({ id: 'gen', state, outcome, texts: [{ positions: 4, denoising_steps: 1 }] });

  it('is charged what ran, as the service says, when he can no longer come back', async () => {
    const { env, rows, chain } = await left(work('ended', 'left'));
    await collectPayments(env, () => Date.now() + 5_000);
    expect(await rows()).toMatchObject([{ state: 'held' }]);
    await collectPayments(env, () => Date.now() + MINUTE);
    expect(await rows()).toEqual([{ state: 'settled', amount: 1, work: 4, problem: null }]);
    expect(chain.calls.filter((path) => path === '/settle')).toHaveLength(1);
  });

  it.each([
    ['nothing where we failed', work('ended', 'problem')],
    [
      'nothing where no service knows of it',
      () => Response.json(problemBody({ code: 'stream_gone', detail: 'gone' }), { status: 410 }),
    ],
  ])('is charged %s', async (_what, says) => {
    const { env, rows, chain } = await left(says);
    await collectPayments(env, () => Date.now() + MINUTE);
    expect(await rows()).toMatchObject([{ state: 'released' }]);
    expect(chain.calls).not.toContain('/settle');
  });

  it('is looked at again where it still runs, and given up where no service answers', async () => {
    let now = Date.now() + MINUTE;
    const running = await left(work('running'));
    await collectPayments(running.env, () => now);
    expect(await running.rows()).toMatchObject([{ state: 'held' }]);
    const silent = await left(() => Promise.reject(new Error('connection refused')));
    await rowsOf("DELETE FROM payments WHERE state = 'held' AND attempts > 0");
    for (let i = 0; i < 20; i++) {
      now += MINUTE;
      await collectPayments(silent.env, () => now);
    }
    expect(await silent.rows()).toMatchObject([{ state: 'released' }]);
  });
});
