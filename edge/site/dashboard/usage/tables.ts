/** Usage in numbers: all of it, by day beside its chart, and by key or preset with a bar in each row. */
import { html, svg, type TemplateResult } from 'lit';
import { dollars, whole } from '../format.ts';
import { type Amounts, ORIGINS, type Usage, type UsageRow } from '../wire.ts';
import { MEASURE_NAMES, MEASURES, type Measure, shownMeasure } from './measure.ts';

export function totals({ micro_dollars, requests, texts, work }: Amounts): TemplateResult {
  return html`
    <dl class="stats">
      <div><dt>Cost</dt><dd>${dollars(micro_dollars)}</dd></div>
      <div><dt>Requests</dt><dd>${whole(requests)}</dd></div>
      <div><dt>Texts</dt><dd>${whole(texts)}</dd></div>
      <div><dt>${MEASURE_NAMES.work}</dt><dd>${whole(work)}</dd></div>
    </dl>
  `;
}

/** Latest day first; days without a request are left out. */
export function dayTable({ data }: Usage): TemplateResult {
  return html`
    <div class="scroll days" tabindex="0" role="region" aria-label="Usage by day">
      <table>
        <thead>
          <tr>
            <th scope="col">Day (UTC)</th>
            <th scope="col" class="number">Cost</th>
            <th scope="col" class="number">Requests</th>
            ${ORIGINS.map((origin) => html`<th scope="col" class="number">${origin}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${data.toReversed().map(
            (row) => html`
              <tr>
                <th scope="row">${row.day}</th>
                <td class="number">${dollars(row.micro_dollars)}</td>
                <td class="number">${whole(row.requests)}</td>
                ${ORIGINS.map((origin) => html`<td class="number">${whole(row.by_origin[origin]?.requests ?? 0)}</td>`)}
              </tr>
            `,
          )}
          ${data.length === 0 ? html`<tr><td colspan="6">No requests in these days.</td></tr>` : ''}
        </tbody>
      </table>
    </div>
  `;
}

/** The most first. @param named what a key or preset is called */
export function nameTable(
  { data }: Usage,
  group: 'key' | 'preset',
  measure: Measure,
  named: (id: string) => string,
): TemplateResult {
  const rows = data.toSorted((a, b) => b[measure] - a[measure]);
  const most = Math.max(1, ...rows.map((row) => row[measure]));
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${`Usage by ${group}`}>
      <table class="bars">
        <thead>
          <tr>
            <th scope="col">${group === 'key' ? 'Key' : 'Preset'}</th>
            ${MEASURES.map((one) => html`<th scope="col" class="number">${MEASURE_NAMES[one]}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => nameRow(row, named(row[group] ?? ''), row[measure] / most))}
          ${rows.length === 0 ? html`<tr><td colspan="5">No requests in these days.</td></tr>` : ''}
        </tbody>
      </table>
    </div>
  `;
}

function nameRow(row: UsageRow, name: string, share: number): TemplateResult {
  return html`
    <tr>
      <th scope="row">${name} ${bar(share)}</th>
      ${MEASURES.map((one) => html`<td class="number">${shownMeasure(one, row[one])}</td>`)}
    </tr>
  `;
}

/** The policy of the page lets no style stand in an attribute; the width of a rectangle may. */
function bar(share: number): TemplateResult {
  return html`<svg class="bar" aria-hidden="true">${svg`<rect width=${`${(share * 100).toFixed(2)}%`} height="100%" />`}</svg>`;
}
