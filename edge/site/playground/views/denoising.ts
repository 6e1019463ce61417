/** How the text is denoised: effort, steps, sampler and its settings, guidance, temperature, seed, cache. */
import { html, nothing, type TemplateResult } from 'lit';
import { PRESETS } from '../../../../shared/contract/effort.ts';
import { EFFORTS, KV_CACHES, LIMITS, REMASKS, SAMPLERS } from '../../../../shared/contract/generation.ts';
import {
  DEFAULT_REMASK,
  DEFAULT_SAMPLER,
  EDITING_SAMPLERS,
  type SamplerSetting,
} from '../../../../shared/contract/sampling.ts';
import type { App } from '../app.ts';
import type { Draft, Settings } from '../request/draft.ts';
import { offeredSettings } from '../request/offered.ts';
import { numberControl, part, selectControl } from './controls.ts';

/** What each sampler keeps of a proposed text at a step. */
const KEEPS: Readonly<Record<(typeof SAMPLERS)[number], string>> = {
  'low-confidence': 'An even share of the masks, the most confident tokens (LLaDA).',
  confidence: 'What the schedule says, by confidence (Dream).',
  margin: 'What the schedule says, by the margin of the likeliest over the second.',
  entropy: 'What the schedule says, by least entropy.',
  threshold: 'Every token that is confident enough, one in any case (Fast-dLLM).',
  factor: 'As many of the most confident as hold together (Fast-dLLM).',
  'entropy-bounded': 'Positions of least entropy, within a bound.',
  klass: 'Tokens that are confident and no longer move.',
  ancestral: 'Each mask with the probability of the schedule (MDLM).',
  'first-hitting': 'One mask at random: exact.',
  remdm: 'As ancestral, and masks kept tokens again (ReMDM).',
  'joint-threshold':
    'Every token that is confident enough; and replaces kept ones that the model is surer of otherwise (LLaDA2.1).',
};

interface SettingForm {
  readonly label: string;
  readonly help: string;
  readonly min: number;
  readonly max: number;
  readonly step?: number | 'any';
  readonly usual: string;
}

const SETTINGS: Readonly<Record<Exclude<SamplerSetting, 'remask'>, SettingForm>> = {
  threshold: { label: 'Threshold', help: 'Confidence from which a token is kept.', min: 0, max: 1, usual: '0.9' },
  factor: { label: 'Factor', help: 'The n-th has at least 1 - factor / (n + 1).', min: 0, max: 100, usual: '1' },
  gamma: {
    label: 'Gamma',
    help: 'Nats that tokens of one step may depend on each other.',
    min: 0,
    max: 100,
    usual: '0.15',
  },
  kl_threshold: {
    label: 'KL threshold',
    help: 'Nats that a position may still have moved.',
    min: 0,
    max: 100,
    usual: '0.01',
  },
  edit_threshold: {
    label: 'Edit threshold',
    help: 'Surer than this of another token: replaced.',
    min: 0,
    max: 1,
    usual: '0.5',
  },
  eta: { label: 'Eta', help: 'How often a kept token is masked again.', min: 0, max: 1, usual: '0.02' },
  t_on: { label: 'From time', help: '1 is the start, 0 the end.', min: 0, max: 1, usual: '0.55' },
  t_off: { label: 'To time', help: '1 is the start, 0 the end.', min: 0, max: 1, usual: '0.05' },
  alpha_on: { label: 'Held filled', help: 'Share of the positions meanwhile.', min: 0, max: 1, usual: '0.9' },
  position_temperature: { label: 'Noise on the order', help: '0: the surest first.', min: 0, max: 10, usual: '0' },
  spacing: { label: 'Spacing', help: 'Positions between tokens of one step.', min: 1, max: 256, step: 1, usual: '1' },
};

export function denoisingView(app: App): TemplateResult {
  const { draft } = app;
  return part(app, {
    name: 'denoising',
    title: 'Denoising',
    set: [
      draft.effort,
      draft.sampler,
      draft.steps && `${draft.steps} steps`,
      draft.temperature && `temperature ${draft.temperature}`,
      draft.seed && `seed ${draft.seed}`,
    ]
      .filter(Boolean)
      .join(', '),
    content: html`<div class="columns pair">
      ${select(app, 'effort', {
        label: 'Effort',
        help: 'Measured settings for all that is not said here: about 8, 4 or 1 tokens a step.',
        options: [['', 'balanced (default)'], ...EFFORTS.map((name) => [name, name] as const)],
      })}
      ${number(app, 'steps', {
        label: 'Steps, at most',
        help: 'It ends as soon as no mask is left.',
        min: 1,
        max: LIMITS.steps,
        placeholder: 'by effort',
      })}
      ${select(app, 'sampler', {
        label: 'Sampler',
        help: KEEPS[draft.sampler || DEFAULT_SAMPLER],
        options: [['', `${DEFAULT_SAMPLER} (default)`], ...samplersOf(app).map((name) => [name, name] as const)],
      })}
      ${number(app, 'guidance', {
        label: 'Guidance',
        help: '0 to 10: towards prompt, style and facts, against none. Twice the evaluations.',
        max: 10,
        step: 'any',
        placeholder: '0',
      })}
      ${settingsView(app)}
      ${topNumber(app, 'temperature', {
        label: 'Temperature',
        help: '0: the most likely text. 2: the wildest.',
        max: 2,
        step: 'any',
        placeholder: draft.sampler === '' ? String(PRESETS[draft.effort || 'balanced'].temperature) : '1',
      })}
      ${topNumber(app, 'seed', {
        label: 'Seed',
        help: 'Same request and seed: same text, from the cache. Empty: a new text each time.',
        max: Number.MAX_SAFE_INTEGER,
        placeholder: 'random',
      })}
      ${selectControl(app, {
        pointer: '/cache',
        label: 'Cache',
        value: draft.cache,
        input: (cache) => app.edit((draft) => Object.assign(draft, { cache })),
        options: [
          ['default', 'take what is kept'],
          ['refresh', 'make it anew, keep it'],
          ['no-store', 'make it anew, keep nothing'],
        ],
      })}
    </div>${blocksView(app)}`,
  });
}

/** Samplers that replace tokens are for models that learned it. */
function samplersOf({ models, draft }: App): readonly string[] {
  const model = models.find(({ id }) => id === draft.model) ?? models[0];
  return SAMPLERS.filter((name) => !EDITING_SAMPLERS.includes(name) || model?.supports.editing !== false);
}

/** Settings beside an effort are for whoever knows them; a named sampler has nothing but them. */
function settingsView(app: App): unknown {
  const { sampler, settings } = app.draft;
  const names = offeredSettings(app.draft);
  const given = names.some((name) => settings[name]);
  return sampler === '' && !given ? nothing : names.map((name) => setting(app, name));
}

const BLOCKS = ['block', 'kv_cache', 'repetition_penalty'];

function blocksView(app: App): TemplateResult {
  return html`<details class="more" .open=${BLOCKS.some((name) => app.flagged.has(`/diffusion/${name}`))}>
    <summary>Blocks and repetition</summary>
    <div class="columns pair">
      ${number(app, 'block', {
        label: 'Block',
        help: 'Positions; blocks are finished from the left.',
        min: 1,
        max: LIMITS.lengthBound,
        placeholder: 'by effort',
      })}
      ${select(app, 'keys', {
        label: 'Keys and values',
        pointer: 'kv_cache',
        help: 'What is kept while a block is worked on.',
        options: [['', 'by effort'], ...KV_CACHES.map((name) => [name, name] as const)],
      })}
      ${number(app, 'repetition_penalty', {
        label: 'Repetition penalty',
        help: 'Divides the probability of what stands there already. 1: nothing.',
        min: 1,
        max: 10,
        step: 'any',
        placeholder: 'by effort',
      })}
    </div>
  </details>`;
}

function setting(app: App, name: SamplerSetting): TemplateResult {
  if (name === 'remask') {
    return selectControl(app, {
      pointer: '/diffusion/remask',
      label: 'Masks again',
      help: 'How it is decided which.',
      value: app.draft.settings.remask ?? '',
      input: (remask) => app.edit(({ settings }) => Object.assign(settings, { remask })),
      options: [['', `${DEFAULT_REMASK} (default)`], ...REMASKS.map((way) => [way, way] as const)],
    });
  }
  const { label, help, min, max, step = 'any', usual } = SETTINGS[name];
  return number(app, name, { label, help, min, max, step, placeholder: usual });
}

interface Form {
  readonly label: string;
  readonly help: string;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | 'any';
  readonly placeholder?: string;
}

const isSetting = (name: string): name is keyof Settings => !['steps', 'guidance'].includes(name);

/** A number under `diffusion`. */
function number(app: App, name: 'steps' | 'guidance' | Exclude<keyof Settings, 'remask'>, form: Form): TemplateResult {
  return numberControl(app, {
    ...form,
    pointer: `/diffusion/${name}`,
    value: (isSetting(name) ? app.draft.settings[name] : app.draft[name]) ?? '',
    input: (value) => app.edit((draft) => Object.assign(isSetting(name) ? draft.settings : draft, { [name]: value })),
  });
}

function topNumber(app: App, name: 'temperature' | 'seed', form: Form): TemplateResult {
  return numberControl(app, {
    ...form,
    pointer: `/${name}`,
    value: app.draft[name],
    input: (value) => app.edit((draft) => Object.assign(draft, { [name]: value })),
  });
}

/** One of a few words under `diffusion`. */
function select(
  app: App,
  name: keyof Pick<Draft, 'effort' | 'sampler' | 'keys'>,
  {
    pointer = name,
    ...form
  }: { label: string; help: string; pointer?: string; options: readonly (readonly [string, string])[] },
): TemplateResult {
  return selectControl(app, {
    ...form,
    pointer: `/diffusion/${pointer}`,
    value: app.draft[name],
    input: (value) => app.edit((draft) => Object.assign(draft, { [name]: value })),
  });
}
