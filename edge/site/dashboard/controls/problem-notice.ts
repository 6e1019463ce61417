/** A refusal or failure as the API states it: its code, what it says, the field it means, and the id to name when asking for help. */
import { html, nothing, type TemplateResult } from 'lit';
import { MaskwrightError } from '../../../../shared/client/client.ts';

/** What to do about it, where the API's own words are for programmers. */
const ADVICE: Readonly<Record<string, string>> = {
  not_configured: 'Whoever runs this deployment can switch it on, or add credit by hand.',
  missing_scope: 'Sign in with a key that has the scope, or give this part to somebody who has one.',
  no_answer: 'The connection failed. Nothing is known to have changed.',
};

export function problemNotice(error: unknown, again?: () => unknown): TemplateResult {
  const { code, message, pointer, requestId } = factsOf(error);
  const advice = ADVICE[code];
  return html`
    <div class="notice bad" role="alert">
      <p><code>${code}</code> ${message}${advice === undefined ? nothing : ` ${advice}`}</p>
      ${pointer ? html`<p>Field: <code>${pointer}</code></p>` : nothing}
      ${requestId === undefined ? nothing : html`<p>Request: <code>${requestId}</code></p>`}
      ${again === undefined ? nothing : html`<p><button type="button" @click=${again}>Try again</button></p>`}
    </div>
  `;
}

type Facts = Pick<MaskwrightError, 'code' | 'message' | 'pointer' | 'requestId'>;

function factsOf(error: unknown): Facts {
  if (error instanceof MaskwrightError) return error;
  return { code: 'page_error', message: error instanceof Error ? error.message : String(error) };
}
