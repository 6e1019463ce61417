/** The controls of the form: each with its label, a sentence about it, and what a refusal says about it. */
import { html, nothing, type TemplateResult } from 'lit';
import type { App } from '../app.ts';
import { idOf } from '../fields.ts';

interface Common {
  readonly pointer: string;
  readonly label: string;
  /** What it means, in a sentence. */
  readonly help?: string | TemplateResult;
  readonly value: string;
  readonly input: (value: string) => void;
}

export interface TextOptions extends Common {
  /** Of a text of several lines. */
  readonly rows?: number;
  /** For code. */
  readonly code?: boolean;
  readonly placeholder?: string;
  /** Instead of what a refusal says. */
  readonly fault?: string;
}

type Typed = Event & { readonly target: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement };

const describedBy = (id: string, help: unknown, fault: unknown): string | typeof nothing =>
  [help === undefined ? '' : `${id}-help`, fault === undefined ? '' : `${id}-fault`].join(' ').trim() || nothing;

const helpLine = (id: string, help: Common['help']) =>
  help === undefined ? nothing : html`<p class="hint" id=${`${id}-help`}>${help}</p>`;

export const faultLine = (id: string, fault: string | undefined) =>
  fault === undefined ? nothing : html`<p class="wrong" id=${`${id}-fault`}>${fault}</p>`;

export function textControl(app: App, options: TextOptions): TemplateResult {
  const { pointer, label, help, value, input, rows, code = false, placeholder } = options;
  const id = idOf(pointer);
  const fault = options.fault ?? app.flagged.get(pointer);
  const typed = ({ target }: Typed) => input(target.value);
  const control =
    rows === undefined
      ? html`<input id=${id} type="text" class=${code ? 'code' : ''} .value=${value} placeholder=${placeholder ?? nothing}
          autocomplete="off" spellcheck=${code ? 'false' : 'true'} @input=${typed}
          aria-invalid=${fault !== undefined} aria-describedby=${describedBy(id, help, fault)}>`
      : html`<textarea id=${id} class=${code ? 'code' : ''} rows=${rows} .value=${value}
          placeholder=${placeholder ?? nothing} spellcheck=${code ? 'false' : 'true'} @input=${typed}
          aria-invalid=${fault !== undefined} aria-describedby=${describedBy(id, help, fault)}></textarea>`;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${control}${helpLine(id, help)}${faultLine(id, fault)}
  </div>`;
}

export interface NumberOptions extends Common {
  readonly min?: number;
  readonly max?: number;
  /** 1 by default: whole numbers. */
  readonly step?: number | 'any';
  readonly placeholder?: string;
}

export function numberControl(app: App, options: NumberOptions): TemplateResult {
  const { pointer, label, help, value, input, min = 0, max, step = 1, placeholder } = options;
  const id = idOf(pointer);
  const fault = app.flagged.get(pointer);
  return html`<div class="field number">
    <label for=${id}>${label}</label>
    <input id=${id} type="number" inputmode="decimal" min=${min} max=${max ?? nothing} step=${step} .value=${value}
      placeholder=${placeholder ?? nothing} @input=${({ target }: Typed) => input(target.value)}
      aria-invalid=${fault !== undefined} aria-describedby=${describedBy(id, help, fault)}>
    ${helpLine(id, help)}${faultLine(id, fault)}
  </div>`;
}

export interface SelectOptions extends Common {
  /** Value and what is shown for it. */
  readonly options: readonly (readonly [value: string, label: string])[];
}

export function selectControl(
  app: App,
  { pointer, label, help, value, input, options }: SelectOptions,
): TemplateResult {
  const id = idOf(pointer);
  const fault = app.flagged.get(pointer);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} @change=${({ target }: Typed) => input(target.value)}
      aria-invalid=${fault !== undefined} aria-describedby=${describedBy(id, help, fault)}>
      ${options.map(([option, shown]) => html`<option value=${option} .selected=${option === value}>${shown}</option>`)}
    </select>
    ${helpLine(id, help)}${faultLine(id, fault)}
  </div>`;
}

export function checkControl(label: string, checked: boolean, change: (checked: boolean) => void): TemplateResult {
  return html`<label class="check">
    <input type="checkbox" .checked=${checked}
      @change=${({ target }: Event & { readonly target: HTMLInputElement }) => change(target.checked)}>
    ${label}
  </label>`;
}

/** Several controls that are one thing in the request, and so may be refused as one. */
export function groupControl(
  app: App,
  { pointer, legend, content }: { pointer: string; legend: string; content: unknown },
): TemplateResult {
  const id = idOf(pointer);
  const fault = app.flagged.get(pointer);
  return html`<fieldset id=${id} class=${fault === undefined ? 'entry' : 'entry flagged'}
    aria-describedby=${describedBy(id, undefined, fault)}>
    <legend class="visually-hidden">${legend}</legend>
    ${content}${faultLine(id, fault)}
  </fieldset>`;
}

/** A part of the form that can be folded away; its summary says what is set in it. */
export function part(
  app: App,
  { name, title, set, content }: { name: string; title: string; set: string; content: unknown },
): TemplateResult {
  const toggled = ({ target }: Event & { readonly target: HTMLDetailsElement }) => {
    if (target.open) app.unfolded.add(name);
    else app.unfolded.delete(name);
  };
  return html`<details class="card part" .open=${app.unfolded.has(name)} @toggle=${toggled}>
    <summary><span class="part-title">${title}</span> <span class="part-set">${set}</span></summary>
    ${content}
  </details>`;
}

export function button(
  label: string,
  click: () => void,
  { quiet = false, small = false, name }: { quiet?: boolean; small?: boolean; name?: string } = {},
): TemplateResult {
  const looks = `${quiet ? 'quiet ' : ''}${quiet || small ? 'small' : ''}`;
  return html`<button type="button" class=${looks} aria-label=${name ?? nothing} @click=${click}>${label}</button>`;
}
