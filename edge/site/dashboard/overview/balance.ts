/** What the account has, and the way to have more. */
import { html, nothing, type TemplateResult } from 'lit';
import { createAction } from '../controls/action.ts';
import { filledIn, textField } from '../controls/fields.ts';
import { createResource } from '../controls/resource.ts';
import { dollars, microDollarsOf, whole } from '../format.ts';
import type { Panel, Session } from '../session.ts';
import type { TopUp } from '../wire.ts';

const LEAST_DOLLARS = 1;
const MOST_DOLLARS = 10_000;
const USUAL_DOLLARS = '20';

export function balancePanel(session: Session): Panel {
  const { api, changed } = session;
  const balance = createResource(() => api.balance(session.mode()), changed);
  const paying = createAction(changed);
  let opened: TopUp | undefined;

  function open(): void {
    opened = undefined;
    paying.clear();
    void balance.load();
  }

  // The payment is made in another tab; back from it, the money may be there.
  const back = () => {
    if (opened !== undefined && document.visibilityState === 'visible') void balance.load();
  };
  document.addEventListener('visibilitychange', back, { signal: session.ended });

  function topUp(event: SubmitEvent): void {
    const amount = microDollarsOf(filledIn(event)('amount'));
    void paying.run(async () => {
      opened = undefined;
      opened = await api.topUp(amount);
    });
  }

  function view(): TemplateResult {
    return html`
      <section class="card" aria-labelledby="balance">
        <div class="spread">
          <h3 id="balance">Balance</h3>
          <button type="button" class="small" @click=${() => balance.load()}>Refresh</button>
        </div>
        ${balance.view(
          ({ balance, held, available }) => html`
            <dl class="stats">
              <div><dt>Available</dt><dd>${dollars(available)}</dd></div>
              <div><dt>Held</dt><dd>${dollars(held)}</dd></div>
              <div><dt>Balance</dt><dd>${dollars(balance)}</dd></div>
            </dl>
            <p class="hint">Held is the most that requests under way may still cost.</p>
          `,
        )}
        ${session.mode() === api.mode ? topUpForm() : html`<p class="hint">A live key tops up the live balance.</p>`}
      </section>
    `;
  }

  function topUpForm(): TemplateResult {
    return html`
      <h4>Add credit</h4>
      <form class="stack" @submit=${topUp}>
        <div class="row top-up">
          ${textField({
            ...{ name: 'amount', label: 'Amount in dollars', type: 'number', value: USUAL_DOLLARS, required: true },
            ...{ min: LEAST_DOLLARS, max: MOST_DOLLARS, step: '0.01' },
            refused: paying.refused('/amount_micro_dollars'),
          })}
          <button aria-busy=${paying.busy() ? 'true' : 'false'}>Add credit</button>
        </div>
        <p class="hint">From $${whole(LEAST_DOLLARS)} to $${whole(MOST_DOLLARS)}, paid by card on a page of Stripe's.</p>
        ${paying.view()}
        ${opened === undefined ? nothing : payment(opened)}
      </form>
    `;
  }

  return { open, view };
}

/** A new tab, so that this page, which alone knows the key, stays. */
function payment({ url, amount_micro_dollars: amount }: TopUp): TemplateResult {
  return html`
    <div class="notice" role="status">
      <p>
        <a href=${url} target="_blank" rel="noopener noreferrer">Pay ${dollars(amount)} on Stripe's page</a>, which opens in a new tab.
        The balance changes once Stripe confirms it.
      </p>
    </div>
  `;
}
