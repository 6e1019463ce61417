/** The latest requests: when, where the answer came from, with which key, and what it cost. */
import { html, type TemplateResult } from 'lit';
import { createList } from './controls/resource.ts';
import { dollars, time, whole } from './format.ts';
import type { Panel, Session } from './session.ts';
import type { Origin, RequestLine } from './wire.ts';

/** What an origin means for who pays. */
const CACHE: Readonly<Record<Origin, string>> = {
  computed: 'computed',
  cached: 'from the cache',
  joined: 'joined one under way',
};

export function requestsPanel({ api, mode, changed, nameOf }: Session): Panel {
  const requests = createList((after) => api.requests(mode(), after), changed);
  return {
    open: () => void requests.load(),
    view: () => html`
      <div class="spread">
        <h2 id="panel" tabindex="-1">Latest requests</h2>
        <button type="button" class="small" @click=${() => requests.load()}>Refresh</button>
      </div>
      ${requests.view((lines) => table(lines, nameOf))}
    `,
  };
}

function table(lines: readonly RequestLine[], nameOf: (key: string) => string): TemplateResult {
  if (lines.length === 0)
    return html`<p>There is no request yet. One appears here a few seconds after it was answered.</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Latest requests">
      <table>
        <thead>
          <tr>
            <th scope="col">Time (UTC)</th>
            <th scope="col">Answer</th>
            <th scope="col" class="number">Cost</th>
            <th scope="col" class="number">Texts</th>
            <th scope="col" class="number">Positions × steps</th>
            <th scope="col">Key</th>
            <th scope="col">Preset</th>
            <th scope="col">Model</th>
          </tr>
        </thead>
        <tbody>
          ${lines.map(
            (line) => html`
              <tr>
                <td class="number left">${time(line.at)}<div class="hint"><code>${line.id}</code></div></td>
                <td><span class=${line.origin === 'computed' ? 'badge' : 'badge good'}>${CACHE[line.origin] ?? line.origin}</span></td>
                <td class="number">${dollars(line.micro_dollars)}</td>
                <td class="number">${whole(line.texts)}</td>
                <td class="number">${whole(line.work)}</td>
                <td>${nameOf(line.key)}</td>
                <td>${line.preset ? nameOf(line.preset) : ''}</td>
                <td>${line.model}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}
