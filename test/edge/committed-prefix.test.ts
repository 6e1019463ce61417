import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { committedPrefix } from '../../edge/answers/committed-prefix.ts';
import { toHex } from '../../shared/contract/signature.ts';
import type { AcceptedEvent, DoneEvent, StepEvent, TokenText } from '../../shared/contract/stream.ts';

/** A text cut into tokens at any bytes, and the order in which its tokens are committed, some of them fixed before. */
const generation = fc
  .record({
    text: fc.string({ unit: fc.constantFrom('a', ' ', 'é', '€', '🦊', '\n'), minLength: 1, maxLength: 24 }),
    cuts: fc.array(fc.nat(96), { maxLength: 12 }),
    order: fc.infiniteStream(fc.nat()),
    fixed: fc.nat(4),
  })
  .map(({ text, cuts, order, fixed }) => {
    const bytes = new TextEncoder().encode(text);
    const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
    const tokens = ends.map((end, i): TokenText => {
      const token = bytes.slice(i === 0 ? 0 : ends[i - 1], end);
      return { position: i, text: new TextDecoder().decode(token), bytes: toHex(token) };
    });
    const left = [...tokens];
    const shuffled: TokenText[] = [];
    while (left.length > 0) shuffled.push(...left.splice(order.next().value % left.length, 1));
    return { text, tokens, fixed: shuffled.slice(0, fixed), steps: shuffled.slice(fixed) };
  });

describe('the committed prefix', () => {
  it('grows by what is settled, never by half a character, and adds up to the text', () => {
    fc.assert(
      fc.property(generation, ({ text, tokens, fixed, steps }) => {
        const head = { id: 'gen_1', model: 'm', revision: 'r', seed: 1, index: 0, steps: 9 };
        const accepted: AcceptedEvent = { type: 'accepted', ...head, positions: tokens.length, fixed };
        const prefix = committedPrefix(accepted);
        const standing = new Set(fixed.map(({ position }) => position));
        let sent = prefix.start();
        steps.forEach((token, i) => {
          standing.add(token.position);
          const event: StepEvent = {
            type: 'step',
            index: 0,
            step: i + 1,
            committed: [{ ...token, confidence: 1 }],
            remasked: [],
            masks_left: steps.length - 1 - i,
          };
          sent += prefix.step(event);
          expect(text.startsWith(sent)).toBe(true);
          // Nothing is held back but the beginning of a character.
          const settled = tokens.findIndex(({ position }) => !standing.has(position));
          const bytes = tokens
            .slice(0, settled === -1 ? tokens.length : settled)
            .reduce((n, t) => n + t.bytes!.length / 2, 0);
          expect(bytes - new TextEncoder().encode(sent).length).toBeLessThan(4);
        });
        const usage = {
          positions: 1,
          denoising_steps: 1,
          model_evaluations: 1,
          positions_evaluated: 1,
          committed_per_step: 1,
        };
        const done: DoneEvent = { type: 'done', index: 0, text, holes: {}, constraints: [], usage };
        expect(sent + prefix.done(done)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});
