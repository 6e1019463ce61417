/**
 * A conversation as an instruct model was trained to read it: the tokenizer's own chat template (Jinja), with the template's
 * special tokens as tokens and everything a caller wrote as ordinary text.
 */
import { Template } from '@huggingface/jinja';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatOptions {
  /** The Jinja template. */
  readonly template: string;
  /** What a template may ask for by name: bos_token, eos_token ... */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Added tokens by their text, special or not: what the template writes of them is that token. */
  readonly added: ReadonlyMap<string, number>;
  /** Ordinary text to ids; recognises no added token. */
  encode(text: string): Int32Array;
}

/**
 * Makes the function from messages to token ids, the opening of the answer included.
 * @throws Error where the template is not valid Jinja
 */
export function chatEncoder({ template, variables, added, encode }: ChatOptions) {
  const compiled = new Template(template);
  const pattern = alternatives([...added.keys()]);

  return (messages: readonly ChatMessage[]): Int32Array => {
    // A caller's literal `<|im_end|>` must not become the token: while the template is rendered something else stands for it.
    const mark = unusedMark(messages.map(({ content }) => content).join(''));
    const hidden: string[] = [];
    const hide = (content: string) => content.replace(pattern, (found) => `${mark}${hidden.push(found) - 1}${mark}`);
    const reveal = (text: string) =>
      text.replace(new RegExp(`${mark}(\\d+)${mark}`, 'g'), (_, index: string) => hidden[Number(index)]);
    const safe = messages.map(({ role, content }) => ({ role, content: hide(content) }));
    // Qwen3's templates then open the answer behind an empty thought.
    const given = { ...variables, messages: safe, add_generation_prompt: true, enable_thinking: false };
    const rendered = compiled.render(given);
    const ids: number[] = [];
    const take = (text: string) => text !== '' && ids.push(...encode(reveal(text)));
    let from = 0;
    for (const match of rendered.matchAll(pattern)) {
      take(rendered.slice(from, match.index));
      ids.push(added.get(match[0])!);
      from = match.index + match[0].length;
    }
    take(rendered.slice(from));
    return Int32Array.from(ids);
  };
}

/** A pattern that finds the longest of `texts` at each place. Nothing matches where there is none. */
function alternatives(texts: readonly string[]): RegExp {
  const longestFirst = texts.filter((text) => text !== '').sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(escaped.join('|') || '(?!)', 'g');
}

/** Unicode's noncharacters U+FDD0 to U+FDEF are for a program's own use; one of them is in no sane text. */
function unusedMark(text: string): string {
  for (let code = 0xfdd0; code <= 0xfdef; code++) {
    const mark = String.fromCharCode(code);
    if (!text.includes(mark)) return mark;
  }
  throw new Error('the messages hold every one of the noncharacters U+FDD0 to U+FDEF');
}
