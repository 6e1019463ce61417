/**
 * Which tokens of a checkpoint are the mask, the end and the padding, and how it is conditioned: from config.json and tokenizer_config.json.
 */
import * as v from 'valibot';
import type { Manifest } from '../../shared/contract/manifest.ts';
import type { Architecture } from '../model/architecture.ts';
import type { TokenizerConfig } from '../model/tokenizer-config.ts';
import { InstallError } from './failure.ts';

/** What the person adding the model says where its files do not. */
export interface RoleOptions {
  readonly mask?: number;
  readonly eos?: number;
  readonly shift?: 0 | 1;
  readonly conditioning?: 'chat' | 'prefix';
}

export type Roles = Pick<Manifest, 'tokens' | 'shift'> & {
  readonly conditioning: NonNullable<Manifest['conditioning']>;
};

const id = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Some configs list several ends; the first is the one texts are filled up with. */
const ids = v.optional(v.nullable(v.union([id, v.pipe(v.array(id), v.minLength(1))])));
const configSchema = v.looseObject({ eos_token_id: ids, pad_token_id: ids });
const addedSchema = v.looseObject({ added_tokens: v.array(v.looseObject({ id, content: v.string() })) });

/**
 * @param files the parsed config.json and tokenizer.json, and tokenizer_config.json as it was read
 * @param name the checkpoint's own name: one that says "base" is not spoken to
 * @throws InstallError where no mask or no end can be found
 */
export function rolesOf(
  files: { readonly config: unknown; readonly tokenizer: unknown; readonly tokenizerConfig: TokenizerConfig },
  architecture: Architecture,
  usualShift: 0 | 1,
  name: string,
  options: RoleOptions,
): Roles {
  const config = v.parse(configSchema, files.config);
  const { added_tokens: added } = v.parse(addedSchema, files.tokenizer);
  const { named = {}, chatTemplate, addBos } = files.tokenizerConfig;
  const tokenOf = (role: string) => added.find(({ content }) => content === named[role])?.id;
  const first = (value: v.InferOutput<typeof ids>) => (Array.isArray(value) ? value[0] : (value ?? undefined));

  const mask = options.mask ?? architecture.maskToken ?? tokenOf('mask_token');
  if (mask === undefined) {
    throw new InstallError(
      'Neither config.json (mask_token_id) nor tokenizer_config.json (mask_token) names the mask token; give --mask ID. ' +
        'A model that was never trained with a mask token is no diffusion model.',
    );
  }
  const eos = options.eos ?? first(config.eos_token_id) ?? tokenOf('eos_token') ?? tokenOf('sep_token');
  if (eos === undefined) {
    throw new InstallError('Neither config.json nor tokenizer_config.json names an end-of-text token; give --eos ID.');
  }
  const shift = options.shift ?? usualShift;
  const kind = options.conditioning ?? (chatTemplate !== undefined && !/base/i.test(name) ? 'chat' : 'prefix');
  if (kind === 'chat' && chatTemplate === undefined) {
    throw new InstallError(
      'The model has no chat template; it can be conditioned by a prefix (--conditioning prefix).',
    );
  }
  // An encoder's texts begin with [CLS]. A shifted model needs something before the first position.
  const bos = addBos || shift === 1 ? (tokenOf('bos_token') ?? (shift === 1 ? eos : undefined)) : undefined;
  const begin = [tokenOf('cls_token') ?? bos].filter((token) => token !== undefined);
  return {
    tokens: { mask, eos, pad: first(config.pad_token_id) ?? tokenOf('pad_token') ?? eos },
    shift,
    conditioning: kind === 'chat' ? { kind } : { kind, begin },
  };
}
