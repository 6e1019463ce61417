/** The part that opens first: what there is, and a text to spend it on. */
import { html } from 'lit';
import type { Panel, Session } from '../session.ts';
import { balancePanel } from './balance.ts';
import { firstTextPanel } from './first-text.ts';

export function overviewPanel(session: Session): Panel {
  const balance = balancePanel(session);
  const firstText = firstTextPanel(session, balance.open);
  return {
    open: balance.open,
    view: () => html`
      <h2 id="panel" tabindex="-1">Overview</h2>
      <div class="columns overview">${balance.view()} ${firstText.view()}</div>
    `,
  };
}
