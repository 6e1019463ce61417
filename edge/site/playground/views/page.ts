/** The whole page: what is asked for on the left, what came of it on the right; on a phone one below the other. */
import { html, nothing, type TemplateResult } from 'lit';
import { type App, isUnsendable } from '../app.ts';
import { GALLERY } from '../request/gallery.ts';
import { canvasView } from './canvas.ts';
import { constraintsView } from './constraints.ts';
import { copyView } from './copy.ts';
import { denoisingView } from './denoising.ts';
import { heatMapView } from './heat-map.ts';
import { problemView, reportView, textView } from './outcome.ts';
import { promptView, templateView } from './wording.ts';

export function pageView(app: App): TemplateResult {
  return html`<div class="opening stack">
      <h1>Write what must hold. Watch the text appear.</h1>
      <p class="lead">The whole text starts as masks and is filled in over a few denoising steps. What you ask for here holds in
        every text, or you are told why no such text exists.</p>
      ${app.linkFault === undefined ? nothing : html`<p class="notice warn" role="alert">${app.linkFault}</p>`}
    </div>
    ${galleryView(app)}
    <div class="workbench">
      <form class="ask stack" aria-label="Request" @submit=${(event: Event) => submit(app, event)} @keydown=${submitByKey} novalidate>
        ${keyView(app)}${promptView(app)}${templateView(app)}${constraintsView(app)}${denoisingView(app)}
        ${actionView(app)}
      </form>
      <section class=${app.run !== undefined || app.busy ? 'see asked card stack' : 'see card stack'} aria-labelledby="result-heading" id="result">
        <h2 id="result-heading">Text</h2>
        ${problemView(app)}${textView(app)}${canvasView(app)}${heatMapView(app)}${reportView(app)}
      </section>
      ${copyView(app)}
    </div>
    <p class="visually-hidden" role="status">${app.said}</p>`;
}

function submit(app: App, event: Event): void {
  event.preventDefault();
  app.generate();
  if (app.key === '') {
    document.getElementById('key')?.focus();
    return;
  }
  const { top } = document.getElementById('result')!.getBoundingClientRect();
  // On a phone it is far below; beside a long form it may be far above.
  if (top < 0 || top > innerHeight / 2) document.getElementById('result')!.scrollIntoView({ block: 'start' });
}

function keyView(app: App): TemplateResult {
  const typed = ({ target }: Event & { readonly target: HTMLInputElement }) => app.useKey(target.value);
  return html`<div class="field">
    <label for="key">API key</label>
    <input id="key" class="code" type="password" .value=${app.key} @change=${typed} autocomplete="off" spellcheck="false"
      placeholder="sk_test_…" aria-describedby="key-hint" aria-invalid=${app.keyFault !== undefined}>
    <p class="hint" id="key-hint">${
      app.keyFault === undefined
        ? 'Kept in this page alone, and gone with it.'
        : html`<span class="wrong">${app.keyFault}</span>`
    }</p>
  </div>`;
}

function galleryView(app: App): TemplateResult {
  const chosen = GALLERY.find(({ name }) => name === app.example);
  return html`<fieldset class="gallery">
    <legend>Begin with an example</legend>
    <div class="row">${GALLERY.map(
      ({ name, title }) => html`<button type="button" class="small" aria-pressed=${name === app.example}
        @click=${() => app.loadExample(name)}>${title}</button>`,
    )}</div>
    ${chosen === undefined ? nothing : html`<p class="hint">${chosen.about}</p>`}
  </fieldset>`;
}

function actionView(app: App): TemplateResult {
  return html`<div class="action row">
    <button type="submit" class="primary" aria-busy=${app.busy}>Generate</button>
    <span class="hint">${unsendable(app) ?? html`<span class="shortcut">or <kbd>Ctrl</kbd> <kbd>Enter</kbd></span>`}</span>
    ${app.busy ? html`<button type="button" @click=${() => app.stop()}>Stop</button>` : nothing}
  </div>`;
}

/** From a field of several lines too, where Enter alone is a line break. */
function submitByKey(event: KeyboardEvent): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
    (event.currentTarget as HTMLFormElement).requestSubmit();
}

function unsendable({ template, request }: App): string | undefined {
  if (template.fault !== undefined) return 'The template cannot be read.';
  return isUnsendable(request) ? 'The schema is not JSON.' : undefined;
}
