/** Requests that pay for themselves: the client of @x402/core on one side, a stand-in for a facilitator on the other. */
import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http';
import { PaymentRequiredV2Schema } from '@x402/core/schemas';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { problemBody } from '../../../shared/contract/problem.ts';
import { edge } from '../upstream.ts';
import { emptyTables, rowsOf } from './bindings.ts';
import { NETWORK, PAYER, pay, settings } from './facilitator.ts';
import { COST, codeOf, paying, request } from './paying.ts';

beforeEach(emptyTables);
afterEach(() => vi.restoreAllMocks());

describe('a request without a key', () => {
  it('needs one where payments are not configured', async () => {
    const { send } = await edge();
    const response = await send('/v1/generations', { method: 'POST', body: '{}' });
    expect(await codeOf(response)).toEqual([401, 'missing_key']);
    expect(response.headers.get('payment-required')).toBeNull();
  });

  it('is told what it can cost at most, as @x402/core reads it', async () => {
    const { required, generations } = await paying();
    const asked = await required();
    expect(PaymentRequiredV2Schema.safeParse(asked).success).toBe(true);
    expect(asked).toMatchObject({
      x402Version: 2,
      resource: { url: 'https://edge.invalid/v1/generations' },
      accepts: [
        {
          ...{ scheme: 'upto', network: NETWORK, asset: settings.X402_ASSET, payTo: settings.X402_PAY_TO },
          extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2', facilitatorAddress: expect.any(String) },
        },
      ],
    });
    const twice = await required({ ...request, n: 2 });
    expect(Number(twice.accepts[0].amount)).toBe(2 * Number(asked.accepts[0].amount));
    expect(generations()).toBe(0);
  });

  it('is refused as any other where it cannot be answered, before it is asked to pay', async () => {
    const { send } = await paying();
    expect(await codeOf(await send({}, { template: 'Hello {{name' }))).toEqual([400, 'invalid_template']);
  });

  it('is answered and charged what ran, and the answer carries the receipt', async () => {
    const { paid, rows, onChain, chain } = await paying();
    const { most, response } = await paid();
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ text: 'Hello wörld', usage: { price: { micro_dollars: COST } } });
    expect(Number(most)).toBeGreaterThan(COST);
    const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') ?? '');
    expect(receipt).toEqual({
      success: true,
      transaction: `0x${'ab'.repeat(32)}`,
      network: NETWORK,
      payer: PAYER,
      amount: '1',
    });
    expect([...onChain.values()]).toEqual([String(COST)]);
    expect(await rows()).toEqual([{ state: 'settled', amount: COST, work: 8, problem: null }]);
    expect(chain.calls.filter((path) => path !== '/supported')).toEqual(['/verify', '/settle']);
  });

  it('gets the receipt of a stream in a comment at its end', async () => {
    const { paid, onChain } = await paying();
    const { response } = await paid({ ...request, stream: 'steps' });
    const text = await response.text();
    expect(response.headers.get('payment-response')).toBeNull();
    const [, encoded = ''] = /data: \[DONE\]\n\n: payment-response (\S+)\n\n$/.exec(text) ?? [];
    expect(decodePaymentResponseHeader(encoded)).toMatchObject({ success: true, amount: String(COST) });
    expect(onChain.size).toBe(1);
  });

  it('pays once with one payment, however its nonce is written', async () => {
    const { required, send, generations, onChain } = await paying();
    const asked = await required();
    const first = await pay(asked, { nonce: '255' });
    const answers = await Promise.all([send(first), send(first), send(first)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 402, 402]);
    const again = [
      first,
      await pay(asked, { nonce: '0xff' }),
      await pay(asked, { nonce: '0x00FF', from: PAYER.toLowerCase() }),
    ];
    for (const header of again) expect(await codeOf(await send(header))).toEqual([402, 'payment_invalid']);
    expect([generations(), onChain.size]).toEqual([1, 1]);
  });

  it('is not answered where its payment is another one than was asked for', async () => {
    const { required, send, generations, chain } = await paying();
    const asked = await required();
    const soon = Math.floor(Date.now() / 1000) + 60;
    const bad: [Record<string, string>, string][] = [
      [{ 'payment-signature': '%%%' }, 'payment_invalid'],
      [{ 'payment-signature': btoa('{}') }, 'payment_invalid'],
      [{ 'payment-signature': btoa('null') }, 'payment_invalid'],
      [{ 'payment-signature': btoa(' '.repeat(20_000)) }, 'payment_invalid'],
      [await pay(asked, { nonce: '-1' }), 'payment_invalid'],
      [await pay(asked, { from: 'me' }), 'payment_invalid'],
      [await pay(asked, { deadline: String(soon) }), 'payment_invalid'],
      [await pay(asked, { amount: '1' }), 'payment_invalid'],
      [await pay(asked, { payTo: '0x1111111111111111111111111111111111111111' }), 'payment_invalid'],
      [await pay(asked, {}, { amount: '1' }), 'payment_required'],
      [await pay(asked, {}, { amount: '99999' }), 'payment_invalid'],
      [await pay(asked, {}, { amount: '0xfffff' }), 'payment_invalid'],
      [await pay(asked, {}, { amount: '-5' }), 'payment_invalid'],
      [await pay(asked, {}, { scheme: 'exact' }), 'payment_required'],
      [await pay(asked, {}, { network: 'eip155:1' }), 'payment_required'],
      [await pay(asked, {}, { payTo: PAYER }), 'payment_required'],
      [await pay(asked, {}, { asset: PAYER }), 'payment_required'],
    ];
    for (const [header, code] of bad) {
      const response = await send(header);
      expect(await codeOf(response)).toEqual([402, code]);
      expect(response.headers.has('payment-required')).toBe(code === 'payment_required');
    }
    expect(generations()).toBe(0);
    expect(chain.calls).not.toContain('/settle');
    expect(await rowsOf('SELECT * FROM payments')).toEqual([]);
  });

  it.each([
    ['/v1/chat/completions', { model: 'small', messages: [{ role: 'user', content: 'greet' }], seed: 1 }],
    ['/v1/completions', { model: 'small', prompt: 'greet', seed: 1 }],
    ['/v1/decisions', { state: 'warm', questions: [{ id: 'hot', type: 'yes_no', question: 'Is it hot?' }] }],
  ])('can be one to %s', async (path, body) => {
    const { post } = await paying();
    const unpaid = await post(path, {}, body);
    expect(await codeOf(unpaid)).toEqual([402, 'payment_required']);
    const asked = decodePaymentRequiredHeader(unpaid.headers.get('payment-required') ?? '');
    expect(asked.resource?.url).toBe(`https://edge.invalid${path}`);
    const { status, headers } = await post(path, await pay(asked), body);
    if (path !== '/v1/decisions') expect([status, headers.has('payment-response')]).toEqual([200, true]);
  });

  it('may be paid with more than was asked for, for longer', async () => {
    const { required, send, onChain } = await paying();
    const asked = await required();
    const more = String(Number(asked.accepts[0].amount) + 500);
    const forever = '9'.repeat(70);
    expect((await send(await pay(asked, { amount: more, deadline: forever }, { amount: more }))).status).toBe(200);
    expect([...onChain.values()]).toEqual([String(COST)]);
  });

  it('costs nothing where we fail', async () => {
    const { paid, state, rows, chain } = await paying();
    state.behave = () => Response.json(problemBody({ code: 'internal_error', detail: 'x' }), { status: 500 });
    expect((await paid()).response.status).toBe(500);
    await expect.poll(rows).toEqual([{ state: 'released', amount: null, work: null, problem: null }]);
    expect(chain.calls).not.toContain('/settle');
  });

  it('does not run where the facilitator cannot be asked', async () => {
    const { required, send, generations, chain } = await paying();
    const header = await pay(await required());
    chain.down = true;
    expect(await codeOf(await send(header))).toEqual([502, 'upstream_failed']);
    expect(generations()).toBe(0);
    chain.down = false;
    expect((await send(header)).status).toBe(200);
  });
});
