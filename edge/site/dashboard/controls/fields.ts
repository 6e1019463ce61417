/** The fields of the forms: a label, a control, what it means, and whether it was refused. */
import { html, nothing, type TemplateResult } from 'lit';

export interface Field {
  /** Also its name in the form's data. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string | TemplateResult;
  readonly refused?: boolean;
}

export interface TextField extends Field {
  readonly type?: 'text' | 'number' | 'password' | 'date';
  readonly value?: string;
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly step?: string;
  readonly placeholder?: string;
  /** For code: of one width, and nobody corrects it. */
  readonly code?: boolean;
}

export function textField({ type = 'text', value = '', required = false, code = false, ...field }: TextField) {
  return framed(
    field,
    html`<input
      id=${idOf(field)}
      name=${field.name}
      type=${type}
      class=${code ? 'code' : nothing}
      .defaultValue=${value}
      ?required=${required}
      min=${field.min ?? nothing}
      max=${field.max ?? nothing}
      step=${field.step ?? nothing}
      placeholder=${field.placeholder ?? nothing}
      autocomplete="off"
      spellcheck=${code ? 'false' : nothing}
      aria-describedby=${hintOf(field)}
      aria-invalid=${field.refused ? 'true' : nothing}
    >`,
  );
}

export interface AreaField extends Field {
  readonly value?: string;
  readonly rows?: number;
  readonly required?: boolean;
  readonly code?: boolean;
}

export function areaField({ value = '', rows = 4, required = false, code = false, ...field }: AreaField) {
  return framed(
    field,
    html`<textarea
      id=${idOf(field)}
      name=${field.name}
      rows=${rows}
      class=${code ? 'code' : nothing}
      .defaultValue=${value}
      ?required=${required}
      spellcheck=${code ? 'false' : nothing}
      aria-describedby=${hintOf(field)}
      aria-invalid=${field.refused ? 'true' : nothing}
    ></textarea>`,
  );
}

export interface ChoiceField extends Field {
  /** Values and what they are called. */
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly value?: string;
  readonly changed?: (value: string) => void;
}

export function choiceField({ options, value, changed, ...field }: ChoiceField): TemplateResult {
  return framed(
    field,
    html`<select
      id=${idOf(field)}
      name=${field.name}
      aria-describedby=${hintOf(field)}
      aria-invalid=${field.refused ? 'true' : nothing}
      @change=${(event: Event) => changed?.((event.target as HTMLSelectElement).value)}
    >
      ${options.map(([option, label]) => html`<option value=${option} ?selected=${option === value}>${label}</option>`)}
    </select>`,
  );
}

const idOf = ({ name }: Field) => `field-${name}`;
const hintOf = (field: Field) => (field.hint === undefined ? nothing : `${idOf(field)}-hint`);

function framed(field: Field, control: TemplateResult): TemplateResult {
  return html`
    <div class="field">
      <label for=${idOf(field)}>${field.label}</label>
      ${control}
      ${field.hint === undefined ? nothing : html`<p class="hint" id=${hintOf(field)}>${field.hint}</p>`}
    </div>
  `;
}

/** What a form was filled with; the event goes no further, as the page's policy lets no form leave it. */
export function filledIn(event: SubmitEvent): (name: string) => string {
  event.preventDefault();
  const data = new FormData(event.target as HTMLFormElement);
  return (name) => String(data.get(name) ?? '').trim();
}

/** The values of all boxes of a name that are ticked. */
export function ticked(event: SubmitEvent, name: string): string[] {
  return new FormData(event.target as HTMLFormElement).getAll(name).map(String);
}
