/** Presets: saved requests that web pages run. Made, changed, deleted, and the lines that put one into a page. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Preset } from '../../../../shared/contract/preset.ts';
import { createAction } from '../controls/action.ts';
import { copied } from '../controls/copy.ts';
import { confirmed, openDialog } from '../controls/dialog.ts';
import { dollars, whole } from '../format.ts';
import type { Panel, Session } from '../session.ts';
import { presetForm } from './form.ts';
import { snippetOf } from './snippet.ts';

/** Who may run one, in words. */
const RUN_BY: Readonly<Record<Preset['protection'], string>> = {
  origin: 'pages with a publishable key',
  turnstile: 'visitors who passed Turnstile',
  session: 'sessions that your server opens',
};

export function presetsPanel(session: Session): Panel {
  const { api, mode, changed, say, presets } = session;
  const changing = createAction(changed);
  const form = presetForm(session, saved);

  function saved(preset: Preset, replaced: boolean): void {
    say(`The preset “${preset.name}” is ${replaced ? 'changed' : 'made'}.`);
    void presets.load();
  }

  async function remove({ id, name }: Preset): Promise<void> {
    const detail = 'Pages that run it show what they hold for such a case. Its id never comes back.';
    if (!(await confirmed({ title: `Delete “${name}”?`, detail, action: 'Delete' }))) return;
    await changing.run(async () => {
      await api.deletePreset(id);
      if (form.editing() === id) form.edit(undefined);
      say(`The preset “${name}” is deleted.`);
      await presets.load();
    });
  }

  function open(): void {
    changing.clear();
    form.edit(undefined);
    if (mode() === api.mode) void presets.load();
  }

  function view(): TemplateResult {
    if (mode() !== api.mode) {
      return html`
        <h2 id="panel" tabindex="-1">Presets</h2>
        <p>Presets belong to the kind of key that made them: sign in with a test key to see those of test keys.</p>
      `;
    }
    return html`
      <h2 id="panel" tabindex="-1">Presets</h2>
      <p class="hint">
        A saved request that web pages run with a publishable key. A page says what stands in its variables and nothing else.
        <a href="/docs/presets/">How presets work</a>
      </p>
      ${changing.view()} ${presets.view(table)} ${form.view()}
    `;
  }

  function table(all: readonly Preset[]): TemplateResult {
    if (all.length === 0) return html`<p>There is no preset yet.</p>`;
    return html`<ul class="things" aria-label="Presets">${all.map(item)}</ul>`;
  }

  function item(preset: Preset): TemplateResult {
    const { id, name, variables, variants, protection } = preset;
    const names = Object.keys(variables);
    return html`
      <li class="card spread">
        <div>
          <h3>${name}</h3>
          <p><code>${id}</code>${names.length === 0 ? nothing : html` with ${names.join(', ')}`}; run by ${RUN_BY[protection]}</p>
          <p class="hint">
            At most ${dollars(preset.daily_limit_micro_dollars)} a day; of a visitor ${whole(preset.visitor_runs_per_minute)} runs a
            minute, ${whole(preset.visitor_runs_per_day)} a day${variants === undefined ? nothing : `; ${whole(variants)} kept texts`}
          </p>
        </div>
        <div class="row">
          <button type="button" class="small" aria-label=${`Embed ${name}`} @click=${() => embed(preset)}>Embed</button>
          <button type="button" class="small" aria-label=${`Edit ${name}`} @click=${() => form.edit(preset)}>Edit</button>
          <button type="button" class="small danger" aria-label=${`Delete ${name}`} @click=${() => remove(preset)}>
            Delete
          </button>
        </div>
      </li>
    `;
  }

  async function embed(preset: Preset): Promise<void> {
    const { snippet, notes } = snippetOf(preset, location.origin, session.publishable.at(-1));
    await openDialog<true>(
      `“${preset.name}” in a page`,
      (close) => html`
        ${copied(snippet, 'the snippet')} ${notes.map((note) => html`<p class="hint">${note}</p>`)}
        <p class="hint"><a href="/docs/widget/" target="_blank" rel="noopener">All about the element</a>: styling, forms, fallbacks.</p>
        <div class="row"><button type="button" class="primary" @click=${() => close(true)}>Close</button></div>
      `,
    );
  }

  return { open, view };
}
