/**
 * What stands before the text: style, prompt and facts in the form the model was trained to read them in.
 *
 * - `tokens`: `[style] [<|prompt|> prompt] [<|facts|> key: value; ...] <|text|>`, the layout of our own trainer (training/pack.py)
 * - `chat`: one message to an instruct model, in its tokenizer's chat template
 * - `prefix`: facts and prompt as the beginning of the text, for base models and encoders
 *
 * Whatever a caller wrote is ordinary text in all of them: a literal special token never becomes one.
 */
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import type { Manifest } from '../../shared/contract/manifest.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Tokenizer } from '../model/tokenizer.ts';

/** The parts of a request that condition the model. */
export type Conditioning = Pick<GenerationRequest, 'style' | 'prompt' | 'facts'>;

/** What an instruct model is asked for where the request asks for nothing. */
const NOTHING_ASKED = 'Write a short text.';

/** The tokens before the text. @throws ProblemError unknown_style */
export function conditioningTokens(request: Conditioning, manifest: Manifest, tokenizer: Tokenizer): Int32Array {
  const style = styleOf(request.style, manifest);
  const facts = Object.entries(request.facts ?? {}).map(([key, value]) => `${key}: ${value}`);
  const kind = manifest.conditioning?.kind ?? 'tokens';
  if (kind === 'chat') {
    const content = instruction(style?.instruction, request.prompt, facts);
    if (tokenizer.chat === undefined) throw new Error(`model ${manifest.id} has no chat template`);
    return tokenizer.chat([{ role: 'user', content }]);
  }
  if (manifest.conditioning?.kind === 'prefix') {
    const lines = facts.length > 0 ? `${facts.join('\n')}\n\n` : '';
    return Int32Array.from([...manifest.conditioning.begin, ...tokenizer.encode(lines + (request.prompt ?? ''))]);
  }
  const { tokens } = manifest;
  const ids = [style?.token ?? tokens.style_none];
  if (request.prompt) ids.push(tokens.prompt, ...tokenizer.encode(request.prompt));
  if (facts.length > 0) ids.push(tokens.facts, ...tokenizer.encode(facts.join('; ')));
  ids.push(tokens.text);
  // registry.ts has seen that they are there.
  return Int32Array.from(ids as number[]);
}

/** What is said to an instruct model: how to write, what about, and which facts to use. */
function instruction(style: string | undefined, prompt: string | undefined, facts: readonly string[]): string {
  const parts = [
    ...(style === undefined ? [] : [style]),
    ...(prompt ? [prompt] : []),
    ...(facts.length === 0 ? [] : [`Use these facts, word for word:\n${facts.join('\n')}`]),
  ];
  return parts.length === 0 ? NOTHING_ASKED : parts.join('\n\n');
}

function styleOf(style: Conditioning['style'], manifest: Manifest): Manifest['styles'][number] | undefined {
  if (style === undefined) return undefined;
  const name = typeof style === 'string' ? style : style.name;
  const known = manifest.styles.find((entry) => entry.name === name);
  if (known !== undefined) return known;
  const names = manifest.styles.map((entry) => entry.name).join(', ');
  throw problem('unknown_style', `model ${manifest.id} has no style "${name}"; it has: ${names || 'none'}.`, {
    pointer: typeof style === 'string' ? '/style' : '/style/name',
  });
}
