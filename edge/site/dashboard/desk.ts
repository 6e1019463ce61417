/** What somebody sees who is signed in: the parts of the dashboard, and whose numbers they show. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Api } from './api.ts';
import { auditPanel } from './audit.ts';
import { keysPanel } from './keys/keys.ts';
import { overviewPanel } from './overview/overview.ts';
import { presetsPanel } from './presets/presets.ts';
import { requestsPanel } from './requests.ts';
import { createSession, type Panel, type Session } from './session.ts';
import { usagePanel } from './usage/usage.ts';
import type { Mode } from './wire.ts';

interface Part {
  readonly name: string;
  readonly panel: (session: Session) => Panel;
}

/** By the fragment of the address that opens them. */
const PARTS: Readonly<Record<string, Part>> = {
  overview: { name: 'Overview', panel: overviewPanel },
  usage: { name: 'Usage', panel: usagePanel },
  requests: { name: 'Requests', panel: requestsPanel },
  keys: { name: 'Keys', panel: keysPanel },
  presets: { name: 'Presets', panel: presetsPanel },
  audit: { name: 'Audit log', panel: auditPanel },
};
const FIRST = 'overview';

export interface Desk {
  /** Opens the part that the address names. */
  open(): void;
  view(): TemplateResult;
}

export interface DeskOptions {
  readonly ended: AbortSignal;
  /** Signs out. */
  readonly leave: () => void;
  /** Renders the page again. */
  readonly changed: () => void;
}

export function createDesk(api: Api, { ended, leave, changed }: DeskOptions): Desk {
  let mode: Mode = api.mode;
  let said = '';
  let part = FIRST;
  const session = createSession(api, { ended, mode: () => mode, changed, say });
  const panels = new Map(Object.entries(PARTS).map(([name, { panel }]) => [name, panel(session)]));
  // What is called by its id in the numbers is called by its name here.
  void session.keys.load();
  void session.presets.load();

  function say(what: string): void {
    said = what;
    changed();
  }

  function open(): void {
    const named = location.hash.slice(1);
    // Other fragments, as that of the skip link, lead to places of the page.
    if (Object.hasOwn(PARTS, named)) part = named;
    said = '';
    document.title = `${PARTS[part].name} · Maskwright dashboard`;
    panels.get(part)?.open();
    changed();
  }

  function look(at: Mode): void {
    mode = at;
    open();
  }

  function view(): TemplateResult {
    return html`
      <div class="spread">
        <h1>Dashboard</h1>
        <div class="row">
          ${api.mode === 'live' ? modeSwitch() : html`<span class="badge warn">Test: play money</span>`}
          <span class="hint">Signed in with …<code>${api.last4}</code></span>
          <button type="button" class="small" @click=${() => leave()}>Sign out</button>
        </div>
      </div>
      <nav class="parts" aria-label="Parts of the dashboard">
        <ul>
          ${Object.entries(PARTS).map(
            ([id, { name }]) =>
              html`<li><a href=${`#${id}`} aria-current=${id === part ? 'page' : nothing}>${name}</a></li>`,
          )}
        </ul>
      </nav>
      <p class="said" role="status">${said}</p>
      <div class="stack">${panels.get(part)?.view()}</div>
    `;
  }

  function modeSwitch(): TemplateResult {
    return html`
      <div class="row" role="group" aria-label="Whose numbers">
        ${(['live', 'test'] as const).map(
          (one) => html`
            <button type="button" class="small" aria-pressed=${one === mode ? 'true' : 'false'} @click=${() => look(one)}>
              ${one === 'live' ? 'Live' : 'Test'}
            </button>
          `,
        )}
      </div>
    `;
  }

  return { open, view };
}
