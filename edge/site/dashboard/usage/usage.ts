/** What was used, by day, key and preset: charts, each with the same numbers as a table. */
import { html, type TemplateResult } from 'lit';
import { choiceField } from '../controls/fields.ts';
import { createResource } from '../controls/resource.ts';
import type { Panel, Session } from '../session.ts';
import { GROUPS, type Group, type Usage } from '../wire.ts';
import { dayChart } from './day-chart.ts';
import { MEASURE_NAMES, MEASURES, type Measure } from './measure.ts';
import { dayTable, nameTable, totals } from './tables.ts';

const DAY_MS = 86_400_000;
const SPANS = ['7', '30', '90', '365'] as const;

export function usagePanel(session: Session): Panel {
  const { api, changed } = session;
  let days: string = SPANS[1];
  let measure: Measure = 'micro_dollars';
  const from = () => new Date(Date.now() - (Number(days) - 1) * DAY_MS).toISOString().slice(0, 10);
  const ask = (group: Group) => createResource(() => api.usage(session.mode(), group, from()), changed);
  const usage = { day: ask('day'), key: ask('key'), preset: ask('preset') };
  const chart = dayChart();

  function open(): void {
    for (const group of GROUPS) void usage[group].load();
  }

  function view(): TemplateResult {
    const names = {
      key: session.nameOf,
      preset: (preset: string) => (preset === '' ? 'Without a preset' : session.nameOf(preset)),
    };
    return html`
      <div class="spread">
        <h2 id="panel" tabindex="-1">Usage</h2>
        <button type="button" class="small" @click=${open}>Refresh</button>
      </div>
      <div class="row choices">
        ${choiceField({
          ...{ name: 'days', label: 'Days', value: days, options: SPANS.map((span) => [span, `Last ${span} days`]) },
          changed(value) {
            days = value;
            open();
          },
        })}
        ${choiceField({
          ...{ name: 'measure', label: 'Measure', value: measure },
          options: MEASURES.map((one) => [one, MEASURE_NAMES[one]]),
          changed(value) {
            measure = value as Measure;
            changed();
          },
        })}
      </div>
      <section class="card" aria-labelledby="by-day">
        <h3 id="by-day">By day</h3>
        ${usage.day.view(
          (value) => html`
            ${totals(value.total)}
            <div class="beside">${chart(value, measure)} ${dayTable(value)}</div>
          `,
        )}
      </section>
      <div class="columns usage-by">
        ${(['key', 'preset'] as const).map(
          (group) => html`
            <section class="card" aria-labelledby=${`by-${group}`}>
              <h3 id=${`by-${group}`}>By ${group}</h3>
              ${usage[group].view((value: Usage) => nameTable(value, group, measure, names[group]))}
            </section>
          `,
        )}
      </div>
    `;
  }

  return { open, view };
}
