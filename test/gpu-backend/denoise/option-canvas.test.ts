/** A question goes the way its model is spoken to. */
import { describe, expect, it } from 'vitest';
import { optionCanvas, valuesOf } from '../../../gpu-backend/denoise/option-canvas.ts';
import type { Tokenizer } from '../../../gpu-backend/model/tokenizer.ts';
import type { Manifest } from '../../../shared/contract/manifest.ts';
import type { Question } from '../../../shared/contract/questions.ts';
import { EOS, MASK, manifest, tokenizer } from '../tiny-model.ts';

const QUESTION: Question = { id: 'tone', type: 'choice', question: 'The tone is', choices: ['calm', 'furious'] };
const LISTING = ['furious', 'calm'];

/** The canvas as text: specials as numbers, masks as underscores. */
function shown(
  question: Question,
  state: string | Record<string, unknown> | undefined,
  changes: Partial<Manifest> = {},
) {
  const told: string[] = [];
  const chat: Tokenizer['chat'] = ([{ content }]) => {
    told.push(content);
    return Int32Array.of(7);
  };
  const canvas = optionCanvas(question, state, LISTING, { ...manifest, ...changes }, { ...tokenizer, chat });
  const names: Record<number, string> = { [MASK]: '_', [EOS]: '$' };
  const bytes = (id: number) => Buffer.from(tokenizer.tokenBytes(id)).toString();
  const text = Array.from(canvas.ids, (id) => names[id] ?? (id < 8 ? `<${id}>` : bytes(id))).join('');
  return { text, spelled: canvas.spelled, told };
}

const MASKS = '_'.repeat(' furious'.length);

describe('the canvas of a question', () => {
  it('of a model with tokens of its own has the state before the text, in the form it was trained to read', () => {
    expect(shown(QUESTION, 'It broke.').text).toBe(`<5><2>It broke.<4>The tone is${MASKS}$`);
    expect(shown(QUESTION, { price: 9, cheap: true }).text).toBe(`<5><3>cheap: true; price: 9<4>The tone is${MASKS}$`);
    expect(shown(QUESTION, undefined).text).toBe(`<5><4>The tone is${MASKS}$`);
  });

  it('of a model that goes on with a text begins with the state', () => {
    const prefix = { conditioning: { kind: 'prefix', begin: [6] } } as const;
    expect(shown(QUESTION, 'It broke.', prefix).text).toBe(`<6>It broke.\nThe tone is${MASKS}$`);
    expect(shown(QUESTION, undefined, prefix).text).toBe(`<6>The tone is${MASKS}$`);
  });

  it('of an instruct model tells it the options, in the order of the listing, and is the answer alone', () => {
    const { text, told, spelled } = shown(QUESTION, 'It broke.', { conditioning: { kind: 'chat' } });
    expect(told).toEqual([
      'It broke.\n\nThe tone is\n\nAnswer with one of these, and nothing else:\n- furious\n- calm',
    ]);
    expect(text).toBe(`<7>${'_'.repeat('furious'.length)}$`);
    expect(spelled).toEqual(['calm', 'furious']);
  });

  it('has the space before an option in the option, and none where the question ends with a line', () => {
    expect(shown({ ...QUESTION, question: 'The tone is ' }, undefined)).toEqual(shown(QUESTION, undefined));
    expect(shown({ ...QUESTION, question: 'Tone:\n' }, undefined).spelled).toEqual(['calm', 'furious']);
  });

  it('has room for the longest option', () => {
    const { spelled, text } = shown({ id: 's', type: 'score', question: 'Stars:', min: 9, max: 10 }, 'x');
    expect(spelled).toEqual([' 9', ' 10']);
    expect(text.endsWith('Stars:___$')).toBe(true);
  });
});

describe('a state that is an object', () => {
  it('is its values by their paths, the same however it was written', () => {
    const state = { shop: { open: false, name: 'Kettle & Co' }, tags: ['a', 'b'], note: null, items: [{ n: 1 }] };
    expect(valuesOf(state)).toEqual([
      ['items.0.n', '1'],
      ['note', 'null'],
      ['shop.name', 'Kettle & Co'],
      ['shop.open', 'false'],
      ['tags', 'a, b'],
    ]);
    expect(valuesOf({ b: 1, a: { d: 2, c: 3 } })).toEqual(valuesOf({ a: { c: 3, d: 2 }, b: 1 }));
  });
});
