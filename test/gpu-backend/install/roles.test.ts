/** Which tokens of a checkpoint are the mask, the end and the padding, and how it is spoken to. */
import { describe, expect, it } from 'vitest';
import { rolesOf } from '../../../gpu-backend/install/roles.ts';
import { parseArchitecture } from '../../../gpu-backend/model/config.ts';
import { modernbertConfig, qwenConfig } from '../model/random-model.ts';

const tokenizer = {
  added_tokens: ['<|endoftext|>', '<|im_end|>', '[CLS]', '[SEP]', '[MASK]', '[PAD]'].map((content, id) => ({
    id,
    content,
  })),
};
const encoder = parseArchitecture(modernbertConfig());
const dream = parseArchitecture(qwenConfig());

describe('rolesOf', () => {
  it('takes an encoder by the roles of its tokenizer: [MASK], [SEP] as the end, [CLS] before every text', () => {
    const named = { cls_token: '[CLS]', sep_token: '[SEP]', mask_token: '[MASK]', pad_token: '[PAD]' };
    const roles = rolesOf({ config: {}, tokenizer, tokenizerConfig: { named } }, encoder, 0, 'ModernBERT', {});
    expect(roles.tokens).toEqual({ mask: 4, eos: 3, pad: 5 });
    expect(roles).toMatchObject({ shift: 0, conditioning: { kind: 'prefix', begin: [2] } });
  });

  it('takes the first of several ends, and config.json before the tokenizer', () => {
    const files = { config: { eos_token_id: [1, 0], pad_token_id: 0 }, tokenizer };
    const tokenizerConfig = { named: { eos_token: '<|endoftext|>' }, chatTemplate: 'x' };
    const roles = rolesOf({ ...files, tokenizerConfig }, dream, 1, 'Dream-v0-Instruct-7B', {});
    expect(roles).toEqual({ tokens: { mask: 299, eos: 1, pad: 0 }, shift: 1, conditioning: { kind: 'chat' } });
  });

  it('puts something before a text whose model is shifted', () => {
    const files = { config: { eos_token_id: 0 }, tokenizer, tokenizerConfig: { chatTemplate: 'x' } };
    const roles = rolesOf(files, dream, 1, 'Dream-v0-Base-7B', {});
    expect(roles.conditioning).toEqual({ kind: 'prefix', begin: [0] });
  });

  it('lets the person who adds a model say it all', () => {
    const options = { mask: 4, eos: 1, shift: 0, conditioning: 'prefix' } as const;
    const roles = rolesOf({ config: {}, tokenizer, tokenizerConfig: { chatTemplate: 'x' } }, dream, 1, 'x', options);
    expect(roles).toEqual({
      tokens: { mask: 4, eos: 1, pad: 1 },
      shift: 0,
      conditioning: { kind: 'prefix', begin: [] },
    });
  });

  it.each<[string, object, RegExp]>([
    ['no mask', { config: { eos_token_id: 1 } }, /names the mask token; give --mask ID/],
    [
      'no end',
      { config: {}, tokenizerConfig: { named: { mask_token: '[MASK]' } } },
      /names an end-of-text token; give --eos/,
    ],
  ])('refuses a checkpoint with %s', (_, files, message) => {
    const given = { config: {}, tokenizer, tokenizerConfig: {}, ...files };
    expect(() => rolesOf(given, encoder, 0, 'x', {})).toThrow(message);
  });
});
