/** Confidence over position and step as a picture, and the same as a table. */
import { html, nothing, type TemplateResult } from 'lit';
import type { App } from '../app.ts';
import { drawingSize, positionAt } from '../run/heat-drawing.ts';
import { type Cell, cellInWords, percent, type Row, tokenInWords } from '../run/history.ts';

export function heatMapView(app: App): TemplateResult {
  const { run, player } = app;
  if (run?.accepted === undefined) return html``;
  const { positions, steps } = run.accepted;
  const taken = run.rows.reduce((sum, { event }) => sum + (event?.remasked.length ?? 0), 0);
  const words = `Heat map, ${positions} positions by ${run.rows.length - 1} steps: how sure the model was of each token, from the step that committed it on. ${taken} tokens were masked again or replaced. The table below says the same.`;
  const pointed = (event: PointerEvent): { step: number; cell: Cell; position: number } | undefined => {
    const at = positionAt(event.currentTarget as HTMLCanvasElement, event, { positions, steps });
    const cell = run.rows[at.step]?.cells[at.position];
    return cell && { ...at, cell };
  };
  const hover = (event: PointerEvent) => {
    const at = pointed(event);
    const line = (event.currentTarget as HTMLElement).parentElement?.querySelector('figcaption span');
    if (line) line.textContent = at ? `Step ${at.step}, position ${at.position}: ${cellInWords(at.cell)}` : HOW;
  };
  const choose = (event: PointerEvent) => {
    const at = pointed(event);
    if (at) player.show(at.step);
  };
  return html`<figure class="heat">
    <div class="heat-axes hint" aria-hidden="true"><span>step ↓</span><span>position →</span></div>
    <canvas role="img" aria-label=${words} data-height=${drawingSize(steps)} @pointermove=${hover} @click=${choose}></canvas>
    <figcaption class="hint"><span aria-hidden="true">${HOW}</span></figcaption>
    ${legend(taken > 0)}
  </figure>
  <details class="steps">
    <summary>The steps as a table</summary>
    ${run.status === 'running' ? nothing : stepsTable(run.rows)}
  </details>`;
}

const HOW = 'Click a row to see its step.';

function legend(taken: boolean): TemplateResult {
  const entry = (look: string, words: string) =>
    html`<li><span class=${`key ${look}`} aria-hidden="true"></span>${words}</li>`;
  return html`<ul class="legend hint">
    ${entry('masked', 'masked')}${entry('fixed', 'from the start')}${entry('unsure', 'unsure')}${entry('sure', 'sure')}
    ${entry('fresh', 'committed here')}${taken ? entry('taken-back', 'masked again here') : nothing}
  </ul>`;
}

function stepsTable(rows: readonly Row[]): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="The steps as a table">
    <table>
      <thead><tr><th class="number">Step</th><th>Committed</th><th>Masked again, at</th><th class="number">Masks left</th></tr></thead>
      <tbody>${rows.slice(1).map(stepRow)}</tbody>
    </table>
  </div>`;
}

function stepRow({ event, masks }: Row): TemplateResult {
  const { step, committed, remasked } = event!;
  const tokens = committed.map((token) => `${token.position}: ${tokenInWords(token)} ${percent(token.confidence)}`);
  return html`<tr><th scope="row" class="number">${step}</th><td>${tokens.join(', ') || 'nothing'}</td>
    <td>${remasked.join(', ')}</td><td class="number">${masks}</td></tr>`;
}
