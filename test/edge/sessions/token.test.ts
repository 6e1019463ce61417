/** Tokens of client sessions, and names of visitors. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSession, type Session, signSession } from '../../../edge/sessions/token.ts';
import { networkOf } from '../../../edge/sessions/visitor.ts';
import { toHex } from '../../../shared/contract/signature.ts';

const SECRET = 'the-session-secret-of-this-test-32-characters';
const CHARACTERS = '0123456789abcdefg.-';

const session: Session = {
  id: 'session_0',
  key: 'key_0',
  kind: 'secret',
  preset: 'preset_0',
  origin: 'https://shop.example',
  uses: 10,
  expires: 1_800_000_000_000,
  variables: { product: 'a “blanket” of wool 🐑' },
};

const codeOf = (reading: Promise<Session>) =>
  reading.then(
    () => 'read',
    (error) => error.problem.code,
  );

describe('a client session', () => {
  it('is read as it was made, and is a value of a header', async () => {
    const token = await signSession(SECRET, session);
    expect(token).toMatch(/^cs_[0-9a-f]+\.[0-9a-f]{64}$/);
    expect(await readSession(SECRET, token)).toEqual(session);
  });

  it('with any one character changed, left out or added is none of ours', async () => {
    const token = await signSession(SECRET, { ...session, variables: undefined });
    const characters = fc.constantFrom(...CHARACTERS);
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), characters, fc.constantFrom(0, 1), async (at, character, cut) => {
        const forged = token.slice(0, at) + character + token.slice(at + cut);
        fc.pre(forged !== token && forged.startsWith('cs_'));
        expect(await codeOf(readSession(SECRET, forged))).toBe('invalid_session');
      }),
      { numRuns: 400 },
    );
  });

  it('of another secret, of other terms under a known signature, or without one is none of ours', async () => {
    const token = await signSession(SECRET, session);
    const [, signature] = token.split('.');
    const more = toHex(new TextEncoder().encode(JSON.stringify({ ...session, uses: 1000 })));
    for (const forged of [
      await signSession(`${SECRET}!`, session),
      `cs_${more}.${signature}`,
      `cs_${more}.`,
      `cs_${more}`,
      `${token}.${signature}`,
      `cs_.${signature}`,
      'cs_',
      'cs_.',
      `cs_${'A'.repeat(100_000)}`,
    ]) {
      expect(await codeOf(readSession(SECRET, forged))).toBe('invalid_session');
    }
  });
});

describe('a visitor', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:aaaa:bbbb:cccc:dddd', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8'],
    ['::1', ''],
    ['', ''],
  ])('at %s is one of the network %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
