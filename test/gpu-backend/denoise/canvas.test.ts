import { describe, expect, it } from 'vitest';
import { canvasTokens, layOut as layOutConditioned } from '../../../gpu-backend/denoise/canvas.ts';
import { condition } from '../../../gpu-backend/denoise/conditioned.ts';
import { conditioningTokens } from '../../../gpu-backend/denoise/conditioning.ts';
import { MOST_PADDING, paddedLengthOf } from '../../../gpu-backend/denoise/padded-length.ts';
import { problemOf } from '../../problem-of.ts';
import { manifest, tokenizer } from '../tiny-model.ts';

const text = (value: string) => [...tokenizer.encode(value)];
const { tokens } = manifest;
const layOut = (request: Parameters<typeof condition>[0], positions: number, of = manifest) =>
  layOutConditioned(condition(request, of, tokenizer), request, of, positions);

describe('conditioningTokens', () => {
  it('stands as the trainer wrote it: style, prompt, facts, text', () => {
    const ids = conditioningTokens(
      { style: 'story', prompt: 'A fox', facts: { price: 9.5, name: 'Rex' } },
      manifest,
      tokenizer,
    );
    expect([...ids]).toEqual([
      7,
      tokens.prompt,
      ...text('A fox'),
      tokens.facts,
      ...text('price: 9.5; name: Rex'),
      tokens.text,
    ]);
  });

  it('is the style of no style and the text mark when nothing is given', () => {
    expect([...conditioningTokens({}, manifest, tokenizer)]).toEqual([tokens.style_none, tokens.text]);
    expect([...conditioningTokens({ prompt: '', facts: {} }, manifest, tokenizer)]).toEqual([
      tokens.style_none,
      tokens.text,
    ]);
  });

  it.each(['<|mask|>', '<|eos|>', '<|text|> <|style:none|>'])(
    'takes a literal %s in a prompt as ordinary text',
    (prompt) => {
      const ids = [...conditioningTokens({ prompt }, manifest, tokenizer)];
      expect(ids.slice(2, -1)).toEqual(text(prompt));
      expect(ids.slice(2, -1).every((id) => !tokenizer.isSpecial(id))).toBe(true);
    },
  );

  it('refuses a style the model does not have, naming those it has', () => {
    const refused = problemOf(() => conditioningTokens({ style: { name: 'noir' } }, manifest, tokenizer));
    expect(refused).toMatchObject({ code: 'unknown_style', pointer: '/style/name' });
    expect(refused.detail).toContain('plain, story');
  });
});

describe('canvasTokens', () => {
  it('puts the mask where nothing stands', () => {
    expect([...canvasTokens(Int32Array.of(6, 4), Int32Array.of(-1, 40, -1), 0)]).toEqual([6, 4, 0, 40, 0]);
  });
});

describe('paddedLengthOf', () => {
  it('wastes less than 15% of any canvas, with four or five lengths from one power of two to the next', () => {
    const lengths = Array.from({ length: 4_096 }, (_, i) => i + 1);
    for (const length of lengths) {
      const padded = paddedLengthOf(length);
      expect(padded).toBeGreaterThanOrEqual(length);
      expect((padded - length) / padded).toBeLessThan(MOST_PADDING);
    }
    for (let from = 32; from < 4_096; from *= 2) {
      const distinct = new Set(lengths.slice(from, 2 * from).map(paddedLengthOf)).size;
      expect(distinct).toBeLessThanOrEqual(6);
    }
  });
});

describe('layOut', () => {
  it('pads to a length that the request alone decides, never beyond the context', () => {
    const padded = (positions: number) => layOut({}, positions).paddedLength;
    expect([1, 2, 30, 31, 99, 100, 118].map(padded)).toEqual([3, 4, 36, 36, 101, 119, 128]);
    expect(layOut({}, 125, { ...manifest, context: 130 }).paddedLength).toBe(130);
  });

  it('refuses what does not fit the context, with the numbers', () => {
    const refused = problemOf(() => layOut({ prompt: 'x'.repeat(30) }, 100));
    expect(refused).toMatchObject({ code: 'limit_exceeded', pointer: '/prompt' });
    for (const number of ['33', '100', '133', '128']) expect(refused.detail).toContain(number);
    expect(refused.achievable).toContain('95');
  });

  it('gives guidance a twin without any conditioning, and style strength one without the style', () => {
    const request = { style: 'story', prompt: 'A fox' };
    const guided = layOut({ ...request, diffusion: { guidance: 2 } }, 10);
    expect(guided.guidance).toBe(2);
    expect([...guided.basePrefix!]).toEqual([tokens.style_none, tokens.text]);
    const styled = layOut({ ...request, style: { name: 'story', strength: 1.5 } }, 10);
    expect(styled.guidance).toBe(1.5);
    expect([...styled.basePrefix!]).toEqual([tokens.style_none, tokens.prompt, ...text('A fox'), tokens.text]);
  });

  it('has no twin where guidance would change nothing', () => {
    expect(layOut({ diffusion: { guidance: 2 } }, 10).basePrefix).toBeUndefined();
    expect(layOut({ style: 'story', diffusion: { guidance: 0 } }, 10).basePrefix).toBeUndefined();
  });

  it('refuses guidance that a model was not trained for, and two strengths at once', () => {
    const untrained = { ...manifest, supports: { editing: false, guidance: false } };
    expect(problemOf(() => layOut({ style: 'story', diffusion: { guidance: 1 } }, 4, untrained))).toMatchObject({
      code: 'invalid_request',
      pointer: '/diffusion/guidance',
    });
    const both = { style: { name: 'story', strength: 1 }, diffusion: { guidance: 1 } };
    expect(problemOf(() => layOut(both, 4))).toMatchObject({ pointer: '/style/strength' });
  });
});
