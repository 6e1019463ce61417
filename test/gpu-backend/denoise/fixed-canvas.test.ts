import { describe, expect, it } from 'vitest';
import { MASKED } from '../../../gpu-backend/denoise/constraint.ts';
import { uniforms } from '../../../gpu-backend/denoise/random.ts';
import { textTokens } from '../../../gpu-backend/denoise/text-tokens.ts';
import { fixedCanvas } from '../fixed-canvas.ts';
import { EOS, tokenizer, VOCABULARY } from '../tiny-model.ts';

const tokens = textTokens(tokenizer, EOS);
const constraint = fixedCanvas(
  [
    { kind: 'literal', text: 'Hé ' },
    { kind: 'hole', name: 'name', tokens: 3 },
    { kind: 'literal', text: '!' },
    { kind: 'hole', name: 'rest', tokens: 2 },
  ],
  tokenizer,
  tokens,
);

describe('fixedCanvas', () => {
  it('has the literals in place and the holes masked', () => {
    const literal = [...tokenizer.encode('Hé ')];
    expect(constraint.positions).toBe(literal.length + 3 + 1 + 2);
    expect([...constraint.fixed]).toEqual([...literal, -1, -1, -1, ...tokenizer.encode('!'), -1, -1]);
  });

  it('never puts EOS or a special token into a hole, however likely the model holds them', () => {
    const positions = Int32Array.from([...constraint.fixed.keys()].filter((i) => constraint.fixed[i] === MASKED));
    const probabilities = new Float32Array(positions.length * VOCABULARY).fill(1e-9);
    for (let r = 0; r < positions.length; r++) for (let id = 0; id < 8; id++) probabilities[r * VOCABULARY + id] = 0.12;
    for (const temperature of [0, 1]) {
      for (let seed = 0; seed < 50; seed++) {
        const random = uniforms(seed, 0, 1, 'proposal');
        const rows = { positions, vocabulary: VOCABULARY, probabilities };
        const proposal = constraint.propose(constraint.fixed, rows, { temperature, random });
        expect([...proposal.tokens].some((id) => tokenizer.isSpecial(id))).toBe(false);
        expect(proposal.confidence[0]).toBeCloseTo(1 / (VOCABULARY - 8), 5);
      }
    }
  });

  it('finishes to the literals byte for byte and the holes by name', () => {
    const canvas = constraint.fixed.slice();
    const fill = [...tokenizer.encode('Ann')].concat([...tokenizer.encode('ok')]);
    canvas.forEach((token, i) => {
      if (token === MASKED) canvas[i] = fill.shift()!;
    });
    expect(constraint.finish(canvas)).toEqual({
      text: 'Hé Ann!ok',
      holes: { name: 'Ann', rest: 'ok' },
      holeTokens: { name: expect.any(Number), rest: expect.any(Number) },
    });
  });
});
