/** Questions and messages in front of the page. The browser's own dialog keeps the focus inside, and gives it back. */
import { html, nothing, render, type TemplateResult } from 'lit';
import { choiceField } from './fields.ts';

/**
 * Opens a dialog.
 * @param view what is in it, given what closes it with an answer
 * @returns the answer; undefined where it was closed in another way
 */
export function openDialog<Answer>(
  title: string,
  view: (close: (answer: Answer) => void) => TemplateResult,
): Promise<Answer | undefined> {
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-labelledby', 'dialog-title');
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer: Answer | undefined;
    const close = (given: Answer) => {
      answer = given;
      dialog.close();
      // At once, not when its event comes: what it showed may be a secret.
      dialog.remove();
    };
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(answer);
    });
    render(html`<h2 id="dialog-title">${title}</h2><div class="stack">${view(close)}</div>`, dialog);
    dialog.showModal();
  });
}

export interface Question {
  readonly title: string;
  readonly detail: string;
  /** What the button says that does it. */
  readonly action: string;
}

/** Whether somebody wants what cannot be undone. */
export async function confirmed({ title, detail, action }: Question): Promise<boolean> {
  return (await chosen({ title, detail, action }, undefined)) !== undefined;
}

export interface Choice {
  readonly label: string;
  readonly options: readonly (readonly [value: string, label: string])[];
}

/** One of several values, or undefined where it is not to be done. */
export function chosen(question: Question, choice: Choice | undefined): Promise<string | undefined> {
  const { title, detail, action } = question;
  let value = choice?.options[0][0] ?? '';
  const changed = (given: string) => {
    value = given;
  };
  return openDialog<string | undefined>(
    title,
    (close) => html`
      <p>${detail}</p>
      ${choice === undefined ? nothing : choiceField({ name: 'choice', ...choice, value, changed })}
      <div class="row">
        <button type="button" autofocus @click=${() => close(undefined)}>Cancel</button>
        <button type="button" class=${choice === undefined ? 'danger' : 'primary'} @click=${() => close(value)}>
          ${action}
        </button>
      </div>
    `,
  );
}
