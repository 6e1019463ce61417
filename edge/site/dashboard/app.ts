/** The dashboard as a whole: signed out or in. Who signs out leaves nothing behind: the desk, and with it the key, is dropped. */
import { html, nothing, render, type TemplateResult } from 'lit';
import { createApi } from './api.ts';
import { problemNotice } from './controls/problem-notice.ts';
import { createDesk, type Desk } from './desk.ts';
import { readKey, signInForm, takeKeyFromAddress } from './sign-in.ts';

/** What the page says to who comes back from paying, in a tab that knows no key. */
const BACK: Readonly<Record<string, string>> = {
  '#paid': 'The payment is made. The dashboard you came from is in another tab; this one may be closed.',
  '#not-paid': 'Nothing was paid. The dashboard you came from is in another tab; this one may be closed.',
};

const TITLE = 'Dashboard · Maskwright';

/** Shows the dashboard in an element; signs in at once where the address has a key. */
export function startDashboard(root: HTMLElement): void {
  let desk: Desk | undefined;
  /** Of this signing in, from its first try to its end. */
  let signing: AbortController | undefined;
  let wrong: string | TemplateResult | undefined;

  async function enter(key: string): Promise<void> {
    if (signing !== undefined) return;
    const read = readKey(key);
    if ('wrong' in read) return leave(read.wrong);
    signing = new AbortController();
    const { signal } = signing;
    wrong = undefined;
    draw();
    const refused = (error: unknown) => {
      if (!signal.aborted) leave(problemNotice(error));
    };
    const api = createApi(key, { mode: read.mode, signal, refused });
    try {
      await api.balance(api.mode).catch(unlessKeyIsKnown);
    } catch (error) {
      return refused(error);
    }
    desk = createDesk(api, { ended: signal, leave, changed: draw });
    openPart();
  }

  function leave(why?: string | TemplateResult): void {
    signing?.abort();
    signing = undefined;
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    desk = undefined;
    wrong = why;
    document.title = TITLE;
    draw();
    root.querySelector('input')?.focus();
  }

  function openPart(): void {
    desk?.open();
    // Where one part takes the place of another, reading goes on at its beginning.
    root.querySelector<HTMLElement>('#panel')?.focus();
  }

  function view(): TemplateResult {
    if (desk !== undefined) return desk.view();
    const back = BACK[location.hash];
    return html`
      ${back === undefined ? nothing : html`<p class="notice" role="status">${back}</p>`}
      ${signInForm({ busy: signing !== undefined, wrong, enter })}
    `;
  }

  const draw = () => render(view(), root);

  function followAddress(): void {
    const key = takeKeyFromAddress();
    if (key === undefined) openPart();
    else {
      leave();
      void enter(key);
    }
  }

  addEventListener('hashchange', followAddress);
  draw();
  followAddress();
}

/** A refusal for want of a scope says that there is such a key. */
function unlessKeyIsKnown(error: { readonly code?: string }): void {
  if (error.code !== 'missing_scope') throw error;
}
