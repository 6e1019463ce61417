import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellTexts, frameText } from '../../../shared/contract/frames.ts';

/** Tokens of a text that is cut at any bytes, in the middle of characters too. */
const tokens = fc
  .tuple(
    fc.string({ unit: fc.constantFrom('a', ' ', 'é', '€', '🦊', '\ufeff'), maxLength: 16 }),
    fc.array(fc.nat(64), { maxLength: 10 }),
  )
  .map(([text, cuts]) => {
    const bytes = new TextEncoder().encode(text);
    const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
    return { text, cells: ends.map((end, i) => bytes.slice(i === 0 ? 0 : ends[i - 1], end)) };
  });

describe('the text of each position of a frame', () => {
  it('adds up to the text, wherever its characters are cut', () => {
    fc.assert(
      fc.property(tokens, ({ text, cells }) => {
        expect(cellTexts({ step: 1, cells }).join('')).toBe(text);
      }),
    );
  });

  it('is unknown where and only where the position is masked, and one by one makes the text of the frame', () => {
    fc.assert(
      fc.property(tokens, fc.array(fc.boolean(), { minLength: 11, maxLength: 11 }), ({ cells }, masked) => {
        const frame = { step: 1, cells: cells.map((cell, i) => (masked[i] ? undefined : cell)) };
        const texts = cellTexts(frame);
        expect(texts.map((text) => text === undefined)).toEqual(frame.cells.map((cell) => cell === undefined));
        expect(texts.map((text) => text ?? '#').join('')).toBe(frameText(frame, '#'));
      }),
    );
  });

  it('shows a character that a mask cuts off as broken, before the mask', () => {
    const [euro] = [new TextEncoder().encode('€')];
    expect(cellTexts({ step: 1, cells: [euro.slice(0, 2), undefined, euro] })).toEqual(['\ufffd', undefined, '€']);
  });
});
