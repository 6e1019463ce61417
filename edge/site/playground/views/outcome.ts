/** How a run ended: the text and what it cost, or the refusal and which fields it is about. */
import { html, nothing, type TemplateResult } from 'lit';
import type { MaskwrightError } from '../../../../shared/client/client.ts';
import type { App } from '../app.ts';
import { closestField, goToField } from '../fields.ts';
import type { Priced, Run } from '../run/generation.ts';
import { percent } from '../run/history.ts';
import { button } from './controls.ts';
import { pointedInWords } from './pointed.ts';

/** Of the default model a token is about so many characters, its space with it. */
const CHARACTERS = 4.5;

/** Keeps its place from the start, so that nothing moves when the text arrives. */
export function textView({ run, player }: App): TemplateResult {
  const positions = run?.accepted?.positions ?? 0;
  const done = player.playing ? undefined : run?.done;
  const shown =
    done === undefined
      ? html`<span class="faint">${waiting(run)}</span>`
      : html`<span class="arriving" id="text">${done.text}</span>`;
  // Line breaks are shown as they are: none but the text's own may stand in here.
  return html`<div class="made text" data-characters=${Math.round(positions * CHARACTERS)}>${shown}</div>`;
}

function waiting(run: Run | undefined): string {
  if (run === undefined) return 'The text will stand here.';
  if (run.status === 'refused') return 'No text.';
  return run.status === 'stopped' ? 'Stopped.' : 'Denoising …';
}

export function reportView({ run, player }: App): TemplateResult | typeof nothing {
  const done = run?.done;
  if (done === undefined || player.playing) return nothing;
  return html`<section class="stack" aria-label="Report">
    ${figures(run!, done)}
    ${
      done.constraints.length === 0
        ? nothing
        : html`<h3>What had to hold</h3><ul class="held">${done.constraints.map(
            ({ constraint, pointer }) =>
              html`<li><span class="badge good">held</span> ${constraint} <code>${pointer}</code></li>`,
          )}</ul>`
    }
    ${holesView(done)}${probabilitiesView(done)}
  </section>`;
}

function figures({ accepted, cache }: Run, { usage }: Priced): TemplateResult {
  const entry = (name: string, value: unknown) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<dl class="stats compact">
    ${entry('Cost', html`<span title=${`${usage.price.micro_dollars} micro-dollars, ${usage.price.origin}`}>${dollars(usage.price.micro_dollars)}</span>`)}
    ${entry('Answer', usage.price.origin)}
    ${entry('Model evaluations', usage.model_evaluations)}
    ${entry('Steps', usage.denoising_steps)}
    ${entry('Positions', usage.positions)}
    ${entry('Seed', accepted?.seed)}
    ${entry('Cache', cacheInWords(cache))}
  </dl>`;
}

const dollars = (micro: number): string => `$${(micro / 1e6).toFixed(6)}`;

/** `Cache-Status` of RFC 9211, as far as ours says it. */
function cacheInWords(header = ''): string {
  if (/;\s*hit\b/.test(header)) return 'hit';
  return /fwd=(?:uri-)?(\w+)/.exec(header)?.[1] ?? 'none';
}

function holesView({ holes }: Priced): TemplateResult | typeof nothing {
  const entries = Object.entries(holes);
  if (entries.length === 0) return nothing;
  return html`<h3>Holes</h3><dl class="holes">${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function probabilitiesView({ choice_probabilities: of = {} }: Priced): unknown {
  return Object.entries(of).map(
    ([name, choices]) =>
      html`<h3>How likely: ${name}</h3><ul class="likely">${choices.map(
        ({ choice, probability }) => html`<li><span>${choice}</span>
        <meter min="0" max="1" .value=${probability} aria-label=${choice}></meter> <span class="number">${percent(probability)}</span></li>`,
      )}</ul>`,
  );
}

export function problemView(app: App): TemplateResult {
  const error = app.run?.error;
  return html`<div role="alert">${error === undefined ? nothing : refusal(app, error)}</div>`;
}

function refusal(app: App, error: MaskwrightError): TemplateResult {
  const conflict = error.conflict ?? (error.pointer ? [error.pointer] : []);
  return html`<div class="notice bad problem">
    <h3>${headline(error)}</h3>
    <p>${error.achievable ?? error.message}</p>
    ${
      conflict.length === 0
        ? nothing
        : html`<p>${conflict.length > 1 ? 'These cannot all hold; without any one of them the others can:' : 'It is about:'}</p>
      <ul>${conflict.map((pointer) => html`<li>${place(app, pointer)}</li>`)}</ul>`
    }
    <p class="hint"><code>${error.code}</code>${error.requestId === undefined ? nothing : html` · request <code>${error.requestId}</code>`}
      · nothing was billed${app.run?.rows.length ? ' but the steps that ran' : ''}</p>
  </div>`;
}

function headline({ code, status }: MaskwrightError): string {
  if (code === 'unsatisfiable_constraints') return 'No text can be all of this';
  return status >= 500 || status === 0 ? 'It did not work' : 'The request was refused';
}

function place(app: App, pointer: string): TemplateResult {
  const words = pointedInWords(app.run?.request ?? {}, pointer);
  const field = closestField(pointer);
  return html`${field === undefined ? words : button(words, () => goToField(field), { quiet: true })} <code>${pointer}</code>`;
}
