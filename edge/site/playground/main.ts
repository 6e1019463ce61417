/** The playground: reads the address, draws the page anew after every change. */
import { render } from 'lit';
import { createApp } from './app.ts';
import { readFragment } from './request/fragment.ts';
import { drawHeatMap } from './run/heat-drawing.ts';
import { reserveText } from './run/reserve.ts';
import { pageView } from './views/page.ts';

const main = document.getElementById('main')!;
let asked = false;

/** Changes of one turn are drawn together, before the next frame. */
function redraw(): void {
  if (asked) return;
  asked = true;
  queueMicrotask(() => {
    asked = false;
    draw();
  });
}

const app = createApp(location.origin, redraw);

function draw(): void {
  render(pageView(app), main);
  const made = main.querySelector<HTMLElement>('.made');
  if (made !== null) reserveText(made);
  drawMap();
}

function drawMap(): void {
  const canvas = main.querySelector('canvas');
  const { run, player } = app;
  if (canvas === null || run?.accepted === undefined) return;
  drawHeatMap(canvas, {
    ...run.accepted,
    rows: player.playing ? run.rows.slice(0, player.shown + 1) : run.rows,
    shown: player.shown,
  });
}

function readAddress(): void {
  const { key, request, unreadable } = readFragment(location.hash);
  // A key is not left where a screenshot or a copied address would show it.
  if (key !== undefined) {
    history.replaceState(null, '', location.pathname);
    app.useKey(key);
  }
  if (request !== undefined) app.load(request);
  else if (app.draft.prompt === '' && app.run === undefined) app.loadExample('restaurant');
  if (unreadable) app.blameLink('The request in this link cannot be read: it is cut off, or of another version.');
}

readAddress();
draw();
addEventListener('hashchange', readAddress);
new ResizeObserver(redraw).observe(main);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
