/** Conditioning of models that are not ours: chat templates, plain prefixes, and special tokens spelt by a caller. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { condition } from '../../../gpu-backend/denoise/conditioned.ts';
import { conditioningTokens } from '../../../gpu-backend/denoise/conditioning.ts';
import { makeTokenizer } from '../../../gpu-backend/model/tokenizer.ts';
import type { Manifest } from '../../../shared/contract/manifest.ts';
import { problemOf } from '../../problem-of.ts';
import { learnTokenizer, SPECIALS } from '../model/small-tokenizer.ts';
import { manifest as ours } from '../tiny-model.ts';

/** In the manner of instruct models: a beginning, each message between marks, the opening of the answer. */
const TEMPLATE = `{{ bos_token }}{% for message in messages %}{{ '<|prompt|>' + message['role'] + '\\n' + message['content'] | trim + '<|eos|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|text|>' }}{% endif %}`;
const BOS = SPECIALS.indexOf('<|style:none|>');
const [PROMPT, EOS, TEXT] = ['<|prompt|>', '<|eos|>', '<|text|>'].map((name) => SPECIALS.indexOf(name));

const small = learnTokenizer(['write a short text about the cat, user', 'Write it as a text message.'], 40);
const tokenizer = makeTokenizer(small.json, {
  chatTemplate: TEMPLATE,
  named: { bos_token: '<|style:none|>', eos_token: '<|eos|>' },
});
const text = (value: string) => [...tokenizer.encode(value)];

const chat: Manifest = {
  ...ours,
  tokens: { mask: 0, eos: 1, pad: 1 },
  styles: [{ name: 'sms', instruction: 'Write it as a text message.', description: 'Short.' }],
  conditioning: { kind: 'chat' },
};
const prefix: Manifest = { ...chat, styles: [], conditioning: { kind: 'prefix', begin: [BOS] } };
/** What the template makes of a message; `content` as the model reads it. */
const asked = (content: string) => [BOS, PROMPT, ...text(`user\n${content}`), EOS, TEXT];

describe('conditioning through a chat template', () => {
  it.each<[string, Parameters<typeof conditioningTokens>[0], string]>([
    ['a prompt', { prompt: 'the cat' }, 'the cat'],
    ['a style before the prompt', { style: 'sms', prompt: 'the cat' }, 'Write it as a text message.\n\nthe cat'],
    [
      'facts behind it',
      { prompt: 'the cat', facts: { price: 9.5, name: 'Rex' } },
      'the cat\n\nUse these facts, word for word:\nprice: 9.5\nname: Rex',
    ],
    ['nothing', {}, 'Write a short text.'],
  ])('says %s', (_, request, content) => {
    expect([...conditioningTokens(request, chat, tokenizer)]).toEqual(asked(content));
  });

  it('takes special tokens that a caller spells for ordinary text, wherever they stand', () => {
    const pieces = fc.array(
      fc.oneof(fc.constantFrom(...SPECIALS, '<|', '|>', ' ', '\ufdd0', '\ufdd10\ufdd1'), fc.string({ unit: 'binary' })),
      {
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const prompt = `a${parts.join('').toWellFormed()}z`;
        const ids = [...conditioningTokens({ prompt }, chat, tokenizer)];
        expect(ids.filter((id) => tokenizer.isSpecial(id))).toEqual([BOS, PROMPT, EOS, TEXT]);
        const bytes = ids.slice(2, -2).flatMap((id) => [...tokenizer.tokenBytes(id)]);
        expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))).toBe(`user\n${prompt}`);
      }),
      { numRuns: 300 },
    );
  });

  it('guides away from the request without its style, or from no request at all', () => {
    const style = { name: 'sms', strength: 2 };
    expect([...condition({ style, prompt: 'the cat' }, chat, tokenizer).basePrefix!]).toEqual(asked('the cat'));
    const guided = condition({ prompt: 'the cat', diffusion: { guidance: 1 } }, chat, tokenizer);
    expect([...guided.basePrefix!]).toEqual(asked('Write a short text.'));
  });

  it('is refused for a style the model was not given a sentence for', () => {
    expect(problemOf(() => conditioningTokens({ style: 'noir' }, chat, tokenizer))).toMatchObject({
      code: 'unknown_style',
      detail: expect.stringContaining('it has: sms'),
    });
  });
});

describe('conditioning as a prefix', () => {
  it.each<[string, Parameters<typeof conditioningTokens>[0], string]>([
    ['nothing but the beginning', {}, ''],
    ['the prompt', { prompt: 'the cat' }, 'the cat'],
    ['facts before it', { prompt: 'the cat', facts: { price: 9.5 } }, 'price: 9.5\n\nthe cat'],
    ['a literal mask as text', { prompt: 'the <|mask|>' }, 'the <|mask|>'],
  ])('is %s', (_, request, content) => {
    expect([...conditioningTokens(request, prefix, tokenizer)]).toEqual([BOS, ...text(content)]);
  });
});

describe('a chat template', () => {
  it('that is no valid Jinja is refused when the tokenizer is read', () => {
    expect(() => makeTokenizer(small.json, { chatTemplate: '{% for %}' })).toThrow();
  });
});
