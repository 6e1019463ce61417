/** A preset to be made or changed. Request and variables are the JSON of the API, as docs and playground have it. */
import { html, nothing, type TemplateResult } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import { MaskwrightError } from '../../../../shared/client/client.ts';
import type { Preset, PresetRequest, Protection } from '../../../../shared/contract/preset.ts';
import { createAction } from '../controls/action.ts';
import { areaField, choiceField, filledIn, textField } from '../controls/fields.ts';
import { dollarsOf, microDollarsOf } from '../format.ts';
import type { Session } from '../session.ts';

const EXAMPLE_REQUEST = { prompt: 'A friendly line about {{var:product}}', length: { unit: 'characters', max: 90 } };
const EXAMPLE_VARIABLES = { product: { max_characters: 40, default: 'a warm blanket' } };
const USUAL_DOLLARS = '1';

const PROTECTIONS: readonly (readonly [value: Protection, label: string])[] = [
  ['origin', 'Pages with a publishable key'],
  ['turnstile', 'Visitors who passed Turnstile'],
  ['session', 'Sessions that my server opens'],
];

export interface PresetForm {
  /** Id of the preset that is being changed. */
  editing(): string | undefined;
  /** Fills the form with a preset to be changed; with nothing, for a new one. */
  edit(preset: Preset | undefined): void;
  view(): TemplateResult;
}

export function presetForm(
  { api, mode, changed }: Session,
  saved: (preset: Preset, replaced: boolean) => void,
): PresetForm {
  const saving = createAction(changed);
  let preset: Preset | undefined;
  let protection: Protection = 'origin';
  /** Each filling is a form of its own, so that nothing typed into the last one stays. */
  let filling = 0;
  let opened = false;

  function edit(given: Preset | undefined): void {
    preset = given;
    protection = given?.protection ?? 'origin';
    opened = given !== undefined;
    filling++;
    saving.clear();
    changed();
    if (opened) document.querySelector<HTMLElement>('#field-preset-name')?.focus();
  }

  function save(event: SubmitEvent): void {
    const value = filledIn(event);
    const replaced = preset?.id;
    void saving.run(async () => {
      const asked = askedPreset(value);
      const answer = replaced === undefined ? await api.createPreset(asked) : await api.replacePreset(replaced, asked);
      edit(undefined);
      saved(answer, replaced !== undefined);
    });
  }

  function view(): TemplateResult {
    const toggled = (event: Event) => {
      opened = (event.target as HTMLDetailsElement).open;
    };
    const summary = preset === undefined ? `New ${mode()} preset` : `Change “${preset.name}”`;
    return html`
      ${keyed(
        filling,
        html`
          <details class="card" ?open=${opened} @toggle=${toggled}>
            <summary>${summary}</summary>
            <form class="stack" @submit=${save}>${fields()}</form>
          </details>
        `,
      )}
    `;
  }

  function fields(): TemplateResult {
    const request = JSON.stringify(preset?.request ?? EXAMPLE_REQUEST, null, 2);
    const variables = JSON.stringify(preset?.variables ?? EXAMPLE_VARIABLES, null, 2);
    return html`
      ${textField({ name: 'preset-name', label: 'Name', required: true, value: preset?.name, refused: saving.refused('/name') })}
      <div class="columns json">
        ${areaField({
          ...{ name: 'request', label: 'Request (JSON)', value: request, rows: 10, required: true, code: true },
          hint: html`As for POST /v1/generations; <code>{{var:NAME}}</code> in prompt and template is a variable.`,
          refused: saving.refused('/request'),
        })}
        ${areaField({
          ...{ name: 'variables', label: 'Variables (JSON)', value: variables, rows: 10, code: true },
          hint: html`By name: <code>max_characters</code>, <code>choices</code>, <code>pattern</code>, <code>default</code>.`,
          refused: saving.refused('/variables'),
        })}
      </div>
      <div class="columns narrow">${limits()}</div>
      ${protectionFields()} ${saving.view()}
      <div class="row">
        <button class="primary" aria-busy=${saving.busy() ? 'true' : 'false'}>
          ${preset === undefined ? 'Make the preset' : 'Change the preset'}
        </button>
        ${preset === undefined ? nothing : html`<button type="button" @click=${() => edit(undefined)}>Cancel</button>`}
      </div>
    `;
  }

  function limits(): TemplateResult {
    const number = { type: 'number', min: 1, step: '1' } as const;
    const daily = preset === undefined ? USUAL_DOLLARS : dollarsOf(preset.daily_limit_micro_dollars);
    return html`
      ${textField({
        ...{ name: 'daily', label: 'Most it may cost in a day, in dollars', type: 'number', min: 0, step: '0.000001' },
        ...{ required: true, value: daily, refused: saving.refused('/daily_limit_micro_dollars') },
      })}
      ${textField({
        ...{ ...number, name: 'minute', label: 'Runs of a visitor in a minute', placeholder: '10' },
        ...{ value: shown(preset?.visitor_runs_per_minute), refused: saving.refused('/visitor_runs_per_minute') },
      })}
      ${textField({
        ...{ ...number, name: 'day', label: 'Runs of a visitor in a day', placeholder: '100' },
        ...{ value: shown(preset?.visitor_runs_per_day), refused: saving.refused('/visitor_runs_per_day') },
      })}
      ${textField({
        ...{ ...number, name: 'variants', label: 'Kept texts', value: shown(preset?.variants) },
        ...{ hint: 'So many texts take turns and are made once. Empty: a new one each time.' },
        refused: saving.refused('/variants'),
      })}
    `;
  }

  function protectionFields(): TemplateResult {
    return html`
      <div class="columns">
        ${choiceField({
          ...{ name: 'protection', label: 'Who may run it', options: PROTECTIONS, value: protection },
          changed(value) {
            protection = value as Protection;
            changed();
          },
          refused: saving.refused('/protection'),
        })}
        ${protection === 'turnstile' ? turnstileField() : nothing}
      </div>
    `;
  }

  function turnstileField(): TemplateResult {
    const kept = preset?.protection === 'turnstile';
    return textField({
      ...{ name: 'turnstile', label: 'Secret of Turnstile', type: 'password', code: true, required: !kept },
      hint: kept ? 'Empty: the one that is kept. It is never shown.' : 'Kept encrypted, and never shown again.',
      refused: saving.refused('/turnstile'),
    });
  }

  return { editing: () => preset?.id, edit, view };
}

const shown = (number: number | undefined) => (number === undefined ? '' : String(number));

function askedPreset(value: (name: string) => string): PresetRequest {
  const number = (name: string, field: string) => (value(name) === '' ? {} : { [field]: Number(value(name)) });
  const secret = value('turnstile');
  return {
    name: value('preset-name'),
    request: parsed(value('request'), '/request') as PresetRequest['request'],
    ...(value('variables') === ''
      ? {}
      : { variables: parsed(value('variables'), '/variables') as PresetRequest['variables'] }),
    daily_limit_micro_dollars: microDollarsOf(value('daily')),
    ...number('minute', 'visitor_runs_per_minute'),
    ...number('day', 'visitor_runs_per_day'),
    ...number('variants', 'variants'),
    protection: value('protection') as Protection,
    ...(secret === '' ? {} : { turnstile: { secret } }),
  };
}

/** @throws MaskwrightError as the API would, had it been given this */
function parsed(json: string, pointer: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const detail = `The field is not JSON: ${(error as Error).message}`;
    throw new MaskwrightError({ status: 400, code: 'malformed_json', detail, pointer });
  }
}
