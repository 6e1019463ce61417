/** Text that is there to be copied, with the button that does it. */
import { html, type TemplateResult } from 'lit';

/** How long the button says what it did. */
const SAID_MS = 2_000;

/** @param what names the text: 'the key' */
export function copied(text: string, what: string): TemplateResult {
  return html`
    <div class="copied">
      <pre tabindex="0" role="region" aria-label=${`Text of ${what}`}><code>${text}</code></pre>
      <button
        type="button"
        class="small"
        .textContent=${`Copy ${what}`}
        @click=${(event: Event) => copy(event, what)}
      ></button>
    </div>
  `;
}

async function copy(event: Event, what: string): Promise<void> {
  const button = event.currentTarget as HTMLButtonElement;
  const text = button.previousElementSibling?.textContent ?? '';
  const done = await navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
  if (!done) select(button);
  button.textContent = done ? 'Copied' : 'Selected: copy it';
  setTimeout(() => {
    button.textContent = `Copy ${what}`;
  }, SAID_MS);
}

/** Where the browser does not let the page copy, what is to be copied is at least selected. */
function select(button: HTMLButtonElement): void {
  const text = button.previousElementSibling;
  if (text !== null) getSelection()?.selectAllChildren(text);
}
