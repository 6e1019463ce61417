/** Turnstile's word on a visitor: a plain yes for this page, or no. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { verifyVisitor } from '../../../edge/sessions/turnstile.ts';
import { onlyReach } from '../billing/stand-ins.ts';
import { TESTING_SECRET, TURNSTILE_HOST, TURNSTILE_SECRET, turnstileServer } from './turnstile-server.ts';

afterEach(() => vi.restoreAllMocks());

function standIn() {
  const turnstile = turnstileServer();
  onlyReach({ [TURNSTILE_HOST]: turnstile.server });
  turnstile.tokens.set('good', 'shop.example');
  const verify = (more: Partial<Parameters<typeof verifyVisitor>[1]> = {}) => {
    const asked = { secret: TURNSTILE_SECRET, token: 'good', origin: 'https://shop.example', address: '203.0.113.7' };
    return verifyVisitor({}, { ...asked, ...more }).then(
      () => 'verified',
      ({ problem }) => `${problem.code}: ${problem.detail}`,
    );
  };
  return { ...turnstile, verify };
}

describe('a visitor', () => {
  it('is verified by a token of this page, once', async () => {
    const { verify, asked } = standIn();
    expect(await verify()).toBe('verified');
    expect(asked).toMatchObject([{ secret: TURNSTILE_SECRET, response: 'good', remoteip: '203.0.113.7' }]);
    expect(await verify()).toMatch(/^visitor_not_verified.*timeout-or-duplicate/);
  });

  it.each([
    [{ token: 'made up' }, /invalid-input-response/],
    [{ secret: 'another' }, /invalid-input-secret/],
    [{ origin: 'https://evil.example' }, /another host/],
    [{ origin: 'https://www.shop.example' }, /another host/],
    [{ secret: TESTING_SECRET }, /localhost only/],
  ])('is not by %j', async (more, why) => {
    const { verify } = standIn();
    const said = await verify(more);
    expect(said).toMatch(/^visitor_not_verified/);
    expect(said).toMatch(why);
  });

  it('is verified by Turnstile’s keys for tests on the developer’s own machine', async () => {
    const { verify } = standIn();
    expect(await verify({ secret: TESTING_SECRET, origin: 'http://localhost:5173' })).toBe('verified');
  });

  it('is verified though the first answer is lost, or Turnstile fails once', async () => {
    const { state, verify, tokens } = standIn();
    state.loseAnswers = 1;
    expect(await verify()).toBe('verified');
    tokens.set('another', 'shop.example');
    state.busy = 1;
    expect(await verify({ token: 'another' })).toBe('verified');
  });

  it('is nobody where Turnstile does not answer, or what it answers cannot be read', async () => {
    const { state, verify, asked } = standIn();
    state.down = true;
    expect(await verify()).toMatch(/^upstream_failed/);
    for (const answer of ['', 'null', '[]', '{}', '{"success":"true"}', '{"success":true}', '{"success":1}']) {
      onlyReach({ [TURNSTILE_HOST]: () => new Response(answer) });
      expect(await verify()).toMatch(/^(upstream_failed|visitor_not_verified)/);
    }
    expect(asked).toEqual([]);
  });
});
