/** What can be asked for in a new key. */
import { html, nothing, type TemplateResult } from 'lit';
import { createAction } from '../controls/action.ts';
import { areaField, choiceField, filledIn, textField, ticked } from '../controls/fields.ts';
import { microDollarsOf } from '../format.ts';
import type { Session } from '../session.ts';
import type { AskedKey, Mode, NewKey } from '../wire.ts';

/** What a key may do, and what that means. */
export const SCOPES: readonly (readonly [scope: string, meaning: string])[] = [
  ['generate', 'make texts'],
  ['decide', 'answer questions about texts'],
  ['models', 'list the models'],
  ['usage', 'read balance, usage and requests'],
  ['keys', 'make and revoke keys, read the audit log'],
  ['billing', 'add credit'],
  ['presets', 'make presets and open sessions of pages'],
  ['run', 'run presets'],
];
const USUAL = ['generate', 'decide', 'models'];

/** @param made given the new key, the only one who ever is */
export function keyForm({ api, mode, changed }: Session, made: (key: NewKey) => Promise<void>) {
  const making = createAction(changed);
  let kind = 'secret';

  function make(event: SubmitEvent): void {
    const form = event.target as HTMLFormElement;
    const asked = askedKey(event, mode());
    void making.run(async () => {
      const key = await api.createKey(asked);
      form.reset();
      kind = 'secret';
      // What is shown now takes as long as somebody looks at it.
      void made(key);
    });
  }

  function view(): TemplateResult {
    return html`
      <details class="card">
        <summary>New ${mode()} key</summary>
        <form class="stack" @submit=${make}>
          <div class="columns">
            ${textField({ name: 'name', label: 'Name', required: true, hint: 'To know it again: “website”, “nightly job”.', refused: making.refused('/name') })}
            ${mode() === 'live' ? kindField() : nothing}
          </div>
          ${kind === 'publishable' && mode() === 'live' ? originsField() : scopesField()}
          <div class="columns">
            ${textField({
              ...{
                name: 'monthly',
                label: 'Most it may spend in a month, in dollars',
                type: 'number',
                min: 0,
                step: '0.01',
              },
              hint: kind === 'publishable' ? 'Needed: everybody can read the key.' : 'Empty: as much as there is.',
              refused: making.refused('/monthly_limit_micro_dollars'),
            })}
            ${textField({
              ...{ name: 'rate', label: 'Requests a minute', type: 'number', min: 1, step: '1' },
              ...{ placeholder: '600', refused: making.refused('/requests_per_minute') },
            })}
            ${textField({
              ...{ name: 'expires', label: 'Last day (UTC)', type: 'date' },
              ...{ hint: 'Empty: until it is revoked.', refused: making.refused('/expires_at') },
            })}
          </div>
          ${making.view()}
          <div><button class="primary" aria-busy=${making.busy() ? 'true' : 'false'}>Make the key</button></div>
        </form>
      </details>
    `;
  }

  function kindField(): TemplateResult {
    return choiceField({
      ...{ name: 'kind', label: 'Kind', value: kind },
      options: [
        ['secret', 'Secret: for servers'],
        ['publishable', 'Publishable: for web pages, runs presets only'],
      ],
      changed(value) {
        kind = value;
        changed();
      },
    });
  }

  function originsField(): TemplateResult {
    return areaField({
      ...{ name: 'origins', label: 'Pages it may be used from', rows: 3, required: true, code: true },
      hint: html`Origins, one a line: <code>https://www.example.com</code>, <code>https://*.example.com</code>`,
      refused: making.refused('/origins'),
    });
  }

  return { view };
}

function scopesField(): TemplateResult {
  return html`
    <fieldset>
      <legend>It may</legend>
      <div class="columns scopes">
        ${SCOPES.map(
          ([scope, meaning]) => html`
            <label class="check">
              <input type="checkbox" name="scope" value=${scope} ?checked=${USUAL.includes(scope)}>
              <span><strong>${scope}</strong>: ${meaning}</span>
            </label>
          `,
        )}
      </div>
    </fieldset>
  `;
}

function askedKey(event: SubmitEvent, mode: Mode): AskedKey {
  const value = filledIn(event);
  const publishable = value('kind') === 'publishable';
  const [monthly, rate, expires] = [value('monthly'), value('rate'), value('expires')];
  const origins = value('origins')
    .split(/\s+/)
    .filter((origin) => origin !== '');
  return {
    name: value('name'),
    mode,
    ...(publishable ? { kind: 'publishable', origins } : { kind: 'secret', scopes: ticked(event, 'scope') }),
    ...(monthly === '' ? {} : { monthly_limit_micro_dollars: microDollarsOf(monthly) }),
    ...(rate === '' ? {} : { requests_per_minute: Number(rate) }),
    ...(expires === '' ? {} : { expires_at: `${expires}T23:59:59Z` }),
  };
}
