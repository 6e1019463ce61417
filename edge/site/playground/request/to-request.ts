/** Form -> request. */
import type { TextRequest } from '../../../../shared/client/client.ts';
import type { Bounds, HoleSpec, LengthSpec, PhraseSpec } from '../../../../shared/contract/generation.ts';
import type { Diffusion } from '../../../../shared/contract/sampling.ts';
import {
  type Draft,
  type HoleDraft,
  type LengthRow,
  linesOf,
  type PhraseRow,
  saysFact,
  saysLength,
  saysPhrase,
} from './draft.ts';
import { offeredSettings } from './offered.ts';

/** What cannot be sent, as a problem of the API would say it. */
export interface Unsendable {
  readonly pointer: string;
  readonly detail: string;
}

/**
 * The request that a draft stands for; holes are those of the template.
 * @param holes names of the template's holes
 */
export function requestOf(draft: Draft, holes: readonly string[]): TextRequest | Unsendable {
  let schema: TextRequest['json_schema'];
  try {
    if (draft.schema.trim() !== '') schema = JSON.parse(draft.schema) as TextRequest['json_schema'];
  } catch (error) {
    return { pointer: '/json_schema', detail: `The schema is not JSON: ${(error as Error).message}` };
  }
  const strength = numberOf(draft.strength);
  const specs = holes.map((name) => [name, holeOf(draft.holes[name])] as const);
  const request: TextRequest = {
    model: textOf(draft.model),
    prompt: textOf(draft.prompt),
    style: draft.style === '' ? undefined : strength === undefined ? draft.style : { name: draft.style, strength },
    template: textOf(draft.template),
    holes: recordOf(specs),
    length: listOf(draft.lengths.filter(saysLength).map(lengthOf)),
    include: phrasesOf(draft.include),
    exclude: phrasesOf(draft.exclude),
    regex: textOf(draft.regex),
    json_schema: schema,
    choices: listOf(linesOf(draft.choices)),
    choice_probabilities: draft.probabilities || undefined,
    facts: recordOf(draft.facts.filter(saysFact).map(({ name, value }) => [name, value] as const)),
    seed: numberOf(draft.seed),
    temperature: numberOf(draft.temperature),
    diffusion: diffusionOf(draft),
    cache: draft.cache === 'default' ? undefined : draft.cache,
  };
  return withoutUndefined(request);
}

const textOf = (text: string): string | undefined => (text === '' ? undefined : text);
const numberOf = (digits: string | undefined): number | undefined =>
  digits === undefined || digits === '' ? undefined : Number(digits);
const listOf = <Item>(items: readonly Item[]): Item[] | undefined => (items.length === 0 ? undefined : [...items]);

/** An object of the entries that have a value, undefined where none has. */
function recordOf<Value>(
  entries: readonly (readonly [string, Value | undefined])[],
): Record<string, Value> | undefined {
  const given = entries.filter((entry): entry is readonly [string, Value] => entry[1] !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

// What is undefined would be left out of JSON too; as a value it would show up in what people copy.
function withoutUndefined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Value;
}

function boundsOf({ min, max }: LengthRow): Bounds {
  if (min === max) return { exact: numberOf(min) };
  return withoutUndefined({ min: numberOf(min), max: numberOf(max) });
}

function lengthOf(row: LengthRow): LengthSpec {
  return { unit: row.unit, ...boundsOf(row) };
}

function phrasesOf(rows: readonly PhraseRow[]): PhraseSpec[] | undefined {
  return listOf(
    rows.filter(saysPhrase).map(({ text, anyCase, wholeWord }) => {
      if (!anyCase && !wholeWord) return text;
      return { text, ...(anyCase ? { case_sensitive: false } : {}), ...(wholeWord ? { whole_word: true } : {}) };
    }),
  );
}

function holeOf(hole: HoleDraft | undefined): HoleSpec | undefined {
  if (hole === undefined) return undefined;
  const bounds = hole.lengths.filter(saysLength).map((row) => [row.unit, boundsOf(row)]);
  const spec = withoutUndefined({
    ...Object.fromEntries(bounds),
    regex: textOf(hole.regex),
    choices: listOf(linesOf(hole.choices)),
    exclude: phrasesOf(hole.exclude),
  });
  return Object.keys(spec).length === 0 ? undefined : spec;
}

function diffusionOf(draft: Draft): Diffusion | undefined {
  const offered: readonly string[] = [...offeredSettings(draft), 'block', 'repetition_penalty'];
  const settings = Object.entries(draft.settings)
    .filter(([name, value]) => value !== '' && offered.includes(name))
    .map(([name, value]) => [name, name === 'remask' ? value : Number(value)]);
  const diffusion: Diffusion = withoutUndefined({
    effort: draft.effort === '' ? undefined : draft.effort,
    steps: numberOf(draft.steps),
    sampler: draft.sampler === '' ? undefined : draft.sampler,
    kv_cache: draft.keys === '' ? undefined : draft.keys,
    guidance: numberOf(draft.guidance),
    ...Object.fromEntries(settings),
  });
  return Object.keys(diffusion).length === 0 ? undefined : diffusion;
}
