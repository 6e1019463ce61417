/** Request -> form: of the gallery, of a link. */
import type { TextRequest } from '../../../../shared/client/client.ts';
import {
  type Bounds,
  type HoleSpec,
  LENGTH_UNITS,
  type LengthSpec,
  type PhraseSpec,
} from '../../../../shared/contract/generation.ts';
import { type Draft, emptyDraft, type HoleDraft, type LengthRow, type PhraseRow, type Unit } from './draft.ts';

export function draftOf(request: TextRequest): Draft {
  const { style, length = [], facts = {}, holes = {}, diffusion = {}, cache } = request;
  const { effort = '', steps, sampler = '', guidance, kv_cache: keys = '', ...settings } = diffusion;
  return {
    ...emptyDraft(),
    model: request.model ?? '',
    prompt: request.prompt ?? '',
    style: typeof style === 'object' ? style.name : (style ?? ''),
    strength: typeof style === 'object' ? digitsOf(style.strength) : '',
    template: request.template ?? '',
    holes: Object.fromEntries(Object.entries(holes).map(([name, spec]) => [name, holeOf(spec)])),
    lengths: (Array.isArray(length) ? length : [length]).map(lengthRow),
    include: (request.include ?? []).map(phraseRow),
    exclude: (request.exclude ?? []).map(phraseRow),
    facts: Object.entries(facts).map(([name, value]) => ({ name, value: String(value) })),
    regex: request.regex ?? '',
    choices: (request.choices ?? []).join('\n'),
    probabilities: request.choice_probabilities ?? false,
    schema: request.json_schema === undefined ? '' : JSON.stringify(request.json_schema, null, 2),
    seed: digitsOf(request.seed),
    temperature: digitsOf(request.temperature),
    effort,
    steps: digitsOf(steps),
    sampler,
    guidance: digitsOf(guidance),
    keys,
    settings: Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)])),
    // How long an answer is kept is nothing that a form asks for.
    cache: typeof cache === 'string' ? cache : 'default',
  };
}

const digitsOf = (value: number | undefined): string => (value === undefined ? '' : String(value));

function boundsRow(unit: Unit, { exact, min, max }: Bounds): LengthRow {
  return { unit, min: digitsOf(exact ?? min), max: digitsOf(exact ?? max) };
}

export function lengthRow({ unit, ...bounds }: LengthSpec): LengthRow {
  return boundsRow(unit, bounds);
}

function phraseRow(phrase: PhraseSpec): PhraseRow {
  if (typeof phrase === 'string') return { text: phrase, anyCase: false, wholeWord: false };
  return { text: phrase.text, anyCase: phrase.case_sensitive === false, wholeWord: phrase.whole_word === true };
}

function holeOf(spec: HoleSpec): HoleDraft {
  const lengths = LENGTH_UNITS.flatMap((unit) => {
    const bounds = spec[unit];
    return bounds === undefined ? [] : [boundsRow(unit, bounds)];
  });
  return {
    lengths,
    regex: spec.regex ?? '',
    choices: (spec.choices ?? []).join('\n'),
    exclude: (spec.exclude ?? []).map(phraseRow),
  };
}
