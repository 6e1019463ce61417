/**
 * tokenizer_config.json and chat_template.jinja of a model folder: the chat template and the tokens that have a role.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';

export interface TokenizerConfig {
  readonly chatTemplate?: string;
  /** Texts of the tokens that have a role, by role: `bos_token`, `eos_token`, `mask_token` ... */
  readonly named?: Readonly<Record<string, string>>;
  readonly addBos?: boolean;
}

/** A token is written as its text or as an object that has it. */
const named = v.optional(v.nullable(v.union([v.string(), v.looseObject({ content: v.string() })])));
const ROLES = ['bos_token', 'eos_token', 'pad_token', 'unk_token', 'mask_token', 'cls_token', 'sep_token'] as const;

const schema = v.looseObject({
  chat_template: v.optional(
    v.nullable(v.union([v.string(), v.array(v.object({ name: v.string(), template: v.string() }))])),
  ),
  add_bos_token: v.optional(v.nullable(v.boolean())),
  ...(Object.fromEntries(ROLES.map((role) => [role, named])) as Record<(typeof ROLES)[number], typeof named>),
});

/** Reads both files; what is absent is absent. @throws Error naming each field of another form */
export async function readTokenizerConfig(folder: string): Promise<TokenizerConfig> {
  const optional = (file: string) =>
    readFile(join(folder, file), 'utf8').catch((reason: NodeJS.ErrnoException) => {
      if (reason.code === 'ENOENT') return undefined;
      throw reason;
    });
  const [text, file] = await Promise.all([optional('tokenizer_config.json'), optional('chat_template.jinja')]);
  const result = v.safeParse(schema, JSON.parse(text ?? '{}'));
  if (!result.success) {
    const reasons = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
    throw new Error(`tokenizer_config.json: ${reasons.join('; ')}`);
  }
  const { chat_template: written, add_bos_token: addBos, ...rest } = result.output;
  const inside = Array.isArray(written) ? written.find(({ name }) => name === 'default')?.template : written;
  const chatTemplate = file ?? inside ?? undefined;
  const roles = ROLES.flatMap((role) => {
    const token = rest[role];
    return token == null ? [] : [[role, typeof token === 'string' ? token : token.content]];
  });
  return {
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    named: Object.fromEntries(roles),
    ...(addBos == null ? {} : { addBos }),
  };
}
