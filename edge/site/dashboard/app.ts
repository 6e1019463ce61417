/** The dashboard as a whole: signed out or in. Who signs out leaves nothing behind: the desk, and with it the key, is dropped. */
import { html, nothing, render, type TemplateResult } from 'lit';
import { createApi } from './api.ts';
import { createDesk, type Desk } from './desk.ts';
import { problemNotice } from './problem-notice.ts';
import { readKey, signInForm } from './sign-in.ts';

/** What the page says to who comes back from paying, in a tab that knows no key. */
const BACK: Readonly<Record<string, string>> = {
  '#paid': 'The payment is made. The dashboard you came from is in another tab; this one may be closed.',
  '#not-paid': 'Nothing was paid. The dashboard you came from is in another tab; this one may be closed.',
};

const TITLE = 'Dashboard · Maskwright';

/** Shows the dashboard in an element; signs in at once where a key is given. */
export function startDashboard(root: HTMLElement, key: string | undefined): void {
  let desk: Desk | undefined;
  let entering = false;
  let wrong: string | TemplateResult | undefined;

  async function enter(given: string): Promise<void> {
    if (entering) return;
    const read = readKey(given);
    if ('wrong' in read) return signedOut(read.wrong);
    entering = true;
    wrong = undefined;
    draw();
    const api = createApi(given, read.mode, (error) => signedOut(problemNotice(error)));
    try {
      await api.balance(api.mode).catch(unlessKeyIsKnown);
      desk = createDesk(api, () => signedOut(undefined), draw);
    } catch (error) {
      wrong = problemNotice(error);
    }
    entering = false;
    if (desk === undefined) draw();
    else openPart();
  }

  function signedOut(why: string | TemplateResult | undefined): void {
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
      ${signInForm({ busy: entering, wrong, enter })}
    `;
  }

  const draw = () => render(view(), root);

  addEventListener('hashchange', openPart);
  draw();
  if (key !== undefined) void enter(key);
}

/** A refusal for want of a scope says that there is such a key. */
function unlessKeyIsKnown(error: { readonly code?: string }): void {
  if (error.code !== 'missing_scope') throw error;
}
