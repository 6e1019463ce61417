/** The request to take away: as a line for a shell, as TypeScript, as a tag for a website, as a link. */
import { html, type TemplateResult } from 'lit';
import { type App, isUnsendable } from '../app.ts';
import { fragmentOf } from '../request/fragment.ts';
import { curlOf, presetOf, type SnippetForm, typescriptOf, widgetOf } from '../request/snippets.ts';
import { button } from './controls.ts';

const FORMS: readonly (readonly [SnippetForm, string])[] = [
  ['curl', 'curl'],
  ['typescript', 'TypeScript'],
  ['html', 'HTML'],
  ['link', 'Link'],
];

export function copyView(app: App): TemplateResult {
  const chosen = app.snippet;
  return html`<section class="take card stack" aria-labelledby="copy-heading">
    <h2 id="copy-heading">Take it away</h2>
    <div class="row" role="group" aria-label="As what">
      ${FORMS.map(
        ([form, label]) => html`<button type="button" class="small" aria-pressed=${form === chosen}
          @click=${() => app.chooseSnippet(form)}>${label}</button>`,
      )}
    </div>
    ${isUnsendable(app.request) ? html`<p class="wrong">${app.request.detail}</p>` : snippets(app, app.request)}
  </section>`;
}

function snippets(app: App, request: Exclude<App['request'], { readonly detail: string }>): TemplateResult {
  const { api, snippet } = app;
  if (snippet === 'html') {
    return html`<p>A website shows texts of a <strong>preset</strong>: this request, saved in your account under an id. The page's key can
      run the presets and nothing else, so that a visitor can change neither prompt nor constraints, and its daily limit is the
      most they can cost you (<a href="/docs/presets/">presets</a>, <a href="/docs/widget/">the widget</a>). First, save it (once, with a secret key in <code>$KEY</code>):</p>
      ${snippetView(app, 'preset', presetOf(api, request))}
      <p>Then put the tag into your page, with the preset's id and a publishable key:</p>
      ${snippetView(app, 'html', widgetOf(api))}`;
  }
  if (snippet === 'link') {
    return html`<p class="hint">Brings this request back, without your key. It is behind the <code>#</code>, which no server sees.</p>
      ${snippetView(app, 'link', `${api}/${fragmentOf(request)}`)}`;
  }
  return html`<p class="hint">With your key in the environment, as <code>KEY</code>.</p>
    ${snippetView(app, snippet, snippet === 'curl' ? curlOf(api, request) : typescriptOf(api, request))}`;
}

function snippetView(app: App, name: string, code: string): TemplateResult {
  return html`<div class="snippet">
    <pre id=${`snippet-${name}`}><code>${code}</code></pre>
    ${button(app.said === copied(name) ? 'Copied' : 'Copy', () => void copy(app, name, code), { small: true, name: `Copy ${name}` })}
  </div>`;
}

const copied = (name: string) => `Copied: ${name}.`;

async function copy(app: App, name: string, code: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(code);
    app.say(copied(name));
  } catch {
    // Not allowed, or no secure context: it is selected, ready for Ctrl-C.
    getSelection()?.selectAllChildren(document.getElementById(`snippet-${name}`)!);
    app.say('Selected. Copy it with your keyboard.');
  }
}
