/** The one time that a key is shown. */
import { html, type TemplateResult } from 'lit';
import { copied } from '../controls/copy.ts';
import { openDialog } from '../controls/dialog.ts';
import type { NewKey } from '../wire.ts';

/** Resolves when it was closed. */
export async function showNewKey(made: NewKey): Promise<void> {
  const { key, name, kind } = made;
  await openDialog<true>(
    `The key “${name}”`,
    (close) => html`
      <p>This is the only time that it is shown: nobody can look it up later. Copy it to where it is used.</p>
      ${copied(key, 'the key')} ${kind === 'secret' ? forServers(made) : forPages()}
      <div class="row"><button type="button" class="primary" @click=${() => close(true)}>I have it</button></div>
    `,
  );
}

function forServers({ key, scopes }: NewKey): TemplateResult {
  if (!scopes.includes('generate')) return html`<p class="hint">It belongs on servers, never in a page.</p>`;
  const line = [
    `curl ${location.origin}/v1/generations \\`,
    `  -H 'Authorization: Bearer ${key}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '{"prompt": "A warm blanket for long evenings"}'`,
  ].join('\n');
  return html`<p class="hint">It belongs on servers, never in a page. A first request:</p>${copied(line, 'the command')}`;
}

function forPages(): TemplateResult {
  return html`<p class="hint">It may stand in the pages of its origins. What it runs are presets: each has its snippet there.</p>`;
}
