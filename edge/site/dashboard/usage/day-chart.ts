/** Usage by day as columns, one colour for each origin of the answers. The part that draws comes when it is first needed. */
import { html, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { shortDay } from '../format.ts';
import { ORIGINS, type Usage } from '../wire.ts';
import type { Columns, Drawing } from './columns.ts';
import { MEASURE_NAMES, type Measure, shownMeasure } from './measure.ts';

const DAY_MS = 86_400_000;

/** A chart that stays one and the same while the page renders again, and ends when its place goes. */
export function dayChart(): (usage: Usage, measure: Measure) => TemplateResult {
  let host: HTMLElement | undefined;
  let drawing: Drawing | undefined;
  let drawn: readonly [Usage, Measure] | undefined;

  function placed(element: Element | undefined): void {
    if (element === undefined) drawing?.end();
    drawing = undefined;
    drawn = undefined;
    host = element as HTMLElement | undefined;
  }

  async function draw(usage: Usage, measure: Measure): Promise<void> {
    const { drawColumns } = await import('./columns.ts');
    if (host === undefined || (drawn?.[0] === usage && drawn[1] === measure)) return;
    drawing?.end();
    drawn = [usage, measure];
    drawing = drawColumns(host, columnsOf(usage, measure));
  }

  return (usage, measure) => {
    // Behind this rendering, when its place is there.
    queueMicrotask(() => void draw(usage, measure));
    return html`
      <figure class="chart">
        <div ${ref(placed)} role="img" aria-label=${summary(usage, measure)}></div>
        <ul class="legend">
          ${ORIGINS.map((origin) => html`<li class=${`origin-${origin}`}>${origin}</li>`)}
        </ul>
      </figure>
    `;
  };
}

function columnsOf({ from, to, data }: Usage, measure: Measure): Columns {
  const rows = new Map(data.map((row) => [row.day, row]));
  const days = daysBetween(from, to);
  return {
    names: days.map(shortDay),
    parts: ORIGINS.map((origin) => days.map((day) => rows.get(day)?.by_origin[origin]?.[measure] ?? 0)),
    shown: (amount) => shownMeasure(measure, amount),
  };
}

function daysBetween(from: string, to: string): string[] {
  const [first, last] = [from, to].map((day) => Date.parse(`${day}T00:00:00Z`));
  return Array.from({ length: (last - first) / DAY_MS + 1 }, (_, i) =>
    new Date(first + i * DAY_MS).toISOString().slice(0, 10),
  );
}

/** For who does not see it. */
function summary({ from, to, total }: Usage, measure: Measure): string {
  const span = `${shortDay(from)} to ${shortDay(to)}`;
  return `${MEASURE_NAMES[measure]} by day, ${span}: ${shownMeasure(measure, total[measure])} in all. The table has each day.`;
}
