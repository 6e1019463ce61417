/** Who changed what of the account. */
import { html, type TemplateResult } from 'lit';
import { createList } from './controls/resource.ts';
import { time } from './format.ts';
import type { Panel, Session } from './session.ts';
import type { AuditEntry } from './wire.ts';

export function auditPanel({ api, changed, nameOf }: Session): Panel {
  const entries = createList((after) => api.audit(after), changed);
  return {
    open: () => void entries.load(),
    view: () => html`
      <div class="spread">
        <h2 id="panel" tabindex="-1">Audit log</h2>
        <button type="button" class="small" @click=${() => entries.load()}>Refresh</button>
      </div>
      ${entries.view((rows) => table(rows, nameOf))}
    `,
  };
}

function table(rows: readonly AuditEntry[], named: (id: string) => string): TemplateResult {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Audit log">
      <table>
        <thead>
          <tr>
            <th scope="col">Time (UTC)</th>
            <th scope="col">Change</th>
            <th scope="col">Of</th>
            <th scope="col">By</th>
            <th scope="col">Details</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ at, action, target, actor, details, request }) => html`
              <tr>
                <td class="number left">${time(at)}<div class="hint"><code>${request}</code></div></td>
                <td>${action}</td>
                <td title=${target}>${named(target)}</td>
                <td title=${actor}>${named(actor)}</td>
                <td class="details">${Object.entries(details).map(([name, value]) => html`<div>${name}: ${shown(name, value)}</div>`)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** Times are Unix milliseconds here. */
function shown(name: string, value: unknown): string {
  if (name === 'expires' && typeof value === 'number') return time(new Date(value).toISOString());
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
