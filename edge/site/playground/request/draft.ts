/** The request as its form holds it: every field as it was typed, empty where nothing is. */
import type { Effort, KvCache, LengthSpec, SamplerName } from '../../../../shared/contract/generation.ts';
import type { SamplerSetting } from '../../../../shared/contract/sampling.ts';

export type Unit = LengthSpec['unit'];

/** Equal bounds are an exact length. */
export interface LengthRow {
  unit: Unit;
  min: string;
  max: string;
}

export interface PhraseRow {
  text: string;
  anyCase: boolean;
  wholeWord: boolean;
}

export interface FactRow {
  name: string;
  value: string;
}

export interface HoleDraft {
  lengths: LengthRow[];
  regex: string;
  /** One a line. */
  choices: string;
  exclude: PhraseRow[];
}

/** Settings of samplers that are numbers or, as `remask`, one of a few words. */
export type Settings = Partial<Record<SamplerSetting | 'block' | 'repetition_penalty', string>>;

export interface Draft {
  model: string;
  prompt: string;
  style: string;
  strength: string;
  template: string;
  /** By the name of the hole. Holes that the template has lost stay here for when it gets them back. */
  holes: Record<string, HoleDraft>;
  lengths: LengthRow[];
  include: PhraseRow[];
  exclude: PhraseRow[];
  facts: FactRow[];
  regex: string;
  /** One a line. */
  choices: string;
  probabilities: boolean;
  /** JSON. */
  schema: string;
  seed: string;
  temperature: string;
  effort: Effort | '';
  steps: string;
  sampler: SamplerName | '';
  guidance: string;
  keys: KvCache | '';
  settings: Settings;
  cache: 'default' | 'no-store' | 'refresh';
}

export function emptyDraft(): Draft {
  return {
    model: '',
    prompt: '',
    style: '',
    strength: '',
    template: '',
    holes: {},
    lengths: [],
    include: [],
    exclude: [],
    facts: [],
    regex: '',
    choices: '',
    probabilities: false,
    schema: '',
    seed: '',
    temperature: '',
    effort: '',
    steps: '',
    sampler: '',
    guidance: '',
    keys: '',
    settings: {},
    cache: 'default',
  };
}

export function emptyHole(): HoleDraft {
  return { lengths: [], regex: '', choices: '', exclude: [] };
}

export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

// Rows that say nothing are not part of the request.
export const saysLength = ({ min, max }: LengthRow): boolean => min !== '' || max !== '';
export const saysPhrase = ({ text }: PhraseRow): boolean => text !== '';
export const saysFact = ({ name, value }: FactRow): boolean => name !== '' || value !== '';
