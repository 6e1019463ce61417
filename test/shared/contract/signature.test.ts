import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, signRequest, toHex, verifyRequest } from '../../../shared/contract/signature.ts';

const secret = 'a shared secret of at least 32 characters';
const request = { method: 'POST', path: '/generate', body: '{"id":"gen_1"}' };
const now = 1_790_000_000_000;

async function sign(at = now) {
  const headers = await signRequest(secret, request, at);
  return { time: headers['x-maskwright-time'], signature: headers['x-maskwright-signature'] };
}

const refused = { problem: { code: 'bad_signature' } };

describe('signature of internal requests', () => {
  it('is HMAC-SHA256 over time, method, path and body, as node:crypto computes it', async () => {
    const expected = createHmac('sha256', secret).update(`${now}\nPOST\n/generate\n${request.body}`).digest('hex');
    expect((await sign()).signature).toBe(expected);
  });

  it('verifies what was signed, as text and as bytes', async () => {
    const body = new TextEncoder().encode(request.body);
    await expect(verifyRequest(secret, { ...request, body }, await sign(), now)).resolves.toBeUndefined();
  });

  it('refuses a change to any part', async () => {
    const headers = await sign();
    const changes = [
      { method: 'PUT' },
      { path: '/generate?x=1' },
      { body: '{"id":"gen_2"}' },
      { body: `${request.body}\n` },
    ];
    for (const change of changes) {
      await expect(verifyRequest(secret, { ...request, ...change }, headers, now)).rejects.toMatchObject(refused);
    }
    await expect(verifyRequest(`${secret}!`, request, headers, now)).rejects.toMatchObject(refused);
    await expect(verifyRequest(secret, request, { ...headers, time: `${now + 1}` }, now)).rejects.toMatchObject(
      refused,
    );
  });

  it('refuses missing and malformed headers', async () => {
    const { time, signature } = await sign();
    const cases = [
      { time: null, signature },
      { time, signature: undefined },
      { time: 'now', signature },
      { time: '-1', signature },
      { time, signature: '' },
      { time, signature: 'zz' },
      { time, signature: signature.slice(2) },
    ];
    for (const headers of cases) {
      await expect(verifyRequest(secret, request, headers, now)).rejects.toMatchObject(refused);
    }
  });

  it('accepts clocks 60 s apart and refuses more, both ways', async () => {
    for (const skew of [-60_000, 60_000]) await verifyRequest(secret, request, await sign(now + skew), now);
    for (const skew of [-60_001, 60_001]) {
      await expect(verifyRequest(secret, request, await sign(now + skew), now)).rejects.toMatchObject(refused);
    }
  });

  it('does not work with a short secret', async () => {
    await expect(signRequest('too short', request, now)).rejects.toThrow(RangeError);
  });

  it('hexadecimal goes there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(new Uint8Array(bytes));
      }),
    );
    expect(fromHex('abc')).toBeUndefined();
  });
});
