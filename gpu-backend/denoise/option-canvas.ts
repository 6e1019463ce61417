/**
 * The canvas on which a question is answered: what is known, the question, and masks where one of its options will stand.
 *
 * How it is put goes with how the model is spoken to. What was trained on texts goes on with the question as a text does; an instruct
 * model is told what to choose from. Measured for the model that ships, on seven tasks: the state before the text (as prompt or facts) and
 * the question at its beginning is right more often than state and question in one text, or the answer before the state.
 */
import type { Manifest } from '../../shared/contract/manifest.ts';
import { optionsOf, type Question, type State } from '../../shared/contract/questions.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { conditioningTokens } from './conditioning.ts';

export interface OptionCanvas {
  /** Conditioning, question, masks, the end of the text. */
  readonly ids: Int32Array;
  /** Where the masks begin. */
  readonly first: number;
  readonly masks: number;
  /** What is spelled there for each option. */
  readonly spelled: readonly string[];
}

/** What is told of the options. */
export type Listing = readonly string[];

/**
 * @param state undefined: nothing is known, for what the options weigh by themselves
 * @param listing the options in the order a model that is told them is told
 */
export function optionCanvas(
  question: Question,
  state: State | undefined,
  listing: Listing,
  manifest: Manifest,
  tokenizer: Tokenizer,
): OptionCanvas {
  const { prefix, before, lead } = wordingOf(question, state, listing, manifest, tokenizer);
  const spelled = optionsOf(question).map((option) => lead + option);
  const masks = Math.max(...spelled.map((option) => tokenizer.encode(option).length));
  const start = [...prefix, ...tokenizer.encode(before)];
  const ids = Int32Array.from([...start, ...new Array<number>(masks).fill(manifest.tokens.mask), manifest.tokens.eos]);
  return { ids, first: start.length, masks, spelled };
}

interface Wording {
  readonly prefix: Int32Array;
  readonly before: string;
  /** A space that is written with the option's first token, as tokenizers do. */
  readonly lead: string;
}

function wordingOf(
  question: Question,
  state: State | undefined,
  listing: Listing,
  manifest: Manifest,
  tokenizer: Tokenizer,
): Wording {
  const told = (conditioning: Parameters<typeof conditioningTokens>[0]) =>
    conditioningTokens(conditioning, manifest, tokenizer);
  if (manifest.conditioning?.kind === 'chat') {
    const known = state === undefined ? [] : [typeof state === 'string' ? state : linesOf(state)];
    const prompt = [...known, question.question, instruction(question, listing)].join('\n\n');
    return { prefix: told({ prompt }), before: '', lead: '' };
  }
  const text = /\s$/.test(question.question) ? question.question : `${question.question} `;
  const lead = text.endsWith(' ') ? ' ' : '';
  const before = lead === '' ? text : text.slice(0, -1);
  if (state === undefined) return { prefix: told({}), before, lead };
  // The beginning of the text needs something between it and the question; tokens of their own stand between by themselves.
  const apart = manifest.conditioning?.kind === 'prefix' ? '\n' : '';
  if (typeof state === 'string') return { prefix: told({ prompt: state + apart }), before, lead };
  return { prefix: told({ facts: Object.fromEntries(valuesOf(state)) }), before, lead };
}

function instruction(question: Question, listing: Listing): string {
  const only = 'and nothing else';
  if (question.type === 'score') {
    const levels = optionsOf(question);
    return `Answer with a number from ${levels[0]} to ${levels[levels.length - 1]}, ${only}.`;
  }
  return `Answer with one of these, ${only}:\n${listing.map((option) => `- ${option}`).join('\n')}`;
}

const linesOf = (state: Readonly<Record<string, unknown>>) =>
  valuesOf(state)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

/** The values of an object by their path, 'order.price', in an order that does not depend on how the object was written. */
export function valuesOf(state: Readonly<Record<string, unknown>>): [name: string, value: string][] {
  return Object.keys(state)
    .sort()
    .flatMap((key): [string, string][] => {
      const value = state[key];
      if (Array.isArray(value) && value.every((item) => item === null || typeof item !== 'object')) {
        return [[key, value.map(String).join(', ')]];
      }
      if (value === null || typeof value !== 'object') return [[key, String(value)]];
      return valuesOf(value as Record<string, unknown>).map(([name, inner]) => [`${key}.${name}`, inner]);
    });
}
