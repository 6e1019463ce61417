/** The canvas at one step, a tile for each position, and the slider from step to step. */
import { html, nothing, type TemplateResult } from 'lit';
import type { App } from '../app.ts';
import { type Cell, cellInWords, type Row, textOf } from '../run/history.ts';
import { button } from './controls.ts';

export function canvasView(app: App): TemplateResult {
  const { run, player } = app;
  const row = run?.rows[player.shown];
  if (run === undefined || row === undefined) return html``;
  // Hidden from screen readers: the slider says the same in one sentence instead of a word at a time.
  return html`<div class="tiles" aria-hidden="true">${row.cells.map((cell) => tile(cell, row))}</div>
    ${scrubberView(app, row)}`;
}

/** All tiles have one size, so that nothing moves when a mask becomes a word; long words are set smaller. */
function tile(cell: Cell, { event }: Row): TemplateResult {
  const text = cell.bytes ?? cell.text.replaceAll('\n', '⏎').trim();
  const fresh = event !== undefined && cell.since === event.step;
  const names = [
    'tile',
    cell.state,
    cell.bytes === undefined ? '' : 'bytes',
    fresh ? 'fresh' : '',
    cell.takenBack && fresh ? 'taken-back' : '',
    cell.state !== 'masked' && cell.text === '' ? 'end' : '',
    text.length > 7 ? (text.length > 10 ? 'very-long' : 'long') : '',
  ];
  return html`<span class=${names.join(' ')} title=${cellInWords(cell)}
    data-confidence=${cell.confidence === undefined ? nothing : Math.ceil(cell.confidence * 4)}><span>${text}</span></span>`;
}

function scrubberView(app: App, row: Row): TemplateResult {
  const { run, player } = app;
  const last = run!.rows.length - 1;
  // The ceiling from the start on, so that the thumb does not wander as steps arrive.
  const most = run!.status === 'running' || player.playing ? Math.max(last, run!.accepted?.steps ?? 0) : last;
  const words = `Step ${player.shown} of ${last}: ${row.masks} of ${row.cells.length} masked. ${textOf(row).replaceAll(/░+/g, ' … ')}`;
  const moved = ({ target }: Event & { readonly target: HTMLInputElement }) => {
    player.show(Math.min(Number(target.value), last));
    // What there is not yet cannot be shown: the thumb goes back.
    target.value = String(player.shown);
  };
  return html`<div class="scrubber">
    <input type="range" id="step" min="0" max=${most} .value=${String(player.shown)} aria-label="Step" aria-valuetext=${words}
      @input=${moved}>
    <div class="spread">
      <p class="number hint">${`Step ${player.shown} of ${most} · ${row.masks} masked`}</p>
      ${
        player.playing
          ? button('Pause', () => player.show(player.shown), { small: true })
          : button('Replay', () => player.play(0), { small: true })
      }
    </div>
  </div>`;
}
