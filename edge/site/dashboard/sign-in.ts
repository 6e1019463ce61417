/** The first thing one sees: a field for a secret key. The key goes into the session, and from there nowhere. */
import { html, nothing, type TemplateResult } from 'lit';
import { parseKey } from '../../../shared/contract/key.ts';
import { filledIn, textField } from './controls/fields.ts';
import type { Mode } from './wire.ts';

/** What can be told of a key before anybody is asked: its mode, or why it is not one to sign in with. */
export function readKey(text: string): { readonly mode: Mode } | { readonly wrong: string } {
  const key = parseKey(text);
  if (key.type === 'other') return { wrong: 'A secret key begins with sk_live_ or sk_test_ and has 57 characters.' };
  if (key.type === 'mistyped')
    return { wrong: 'Some character of the key is wrong or missing: its checksum does not fit.' };
  if (key.kind === 'publishable')
    return { wrong: 'This is a publishable key, for web pages. Signing in takes a secret one.' };
  return { mode: key.mode };
}

const KEY = 'key';

/**
 * The key in the address, '/dashboard/#key=sk_...', which is taken out of it at once: an address is kept in the history, and copied to
 * others.
 */
export function takeKeyFromAddress(): string | undefined {
  const key = new URLSearchParams(location.hash.slice(1)).get(KEY);
  if (key === null) return undefined;
  history.replaceState(null, '', location.pathname);
  return key.trim();
}

export interface SignIn {
  readonly busy: boolean;
  /** Why the last key was no good. */
  readonly wrong: string | TemplateResult | undefined;
  readonly enter: (key: string) => void;
}

export function signInForm({ busy, wrong, enter }: SignIn): TemplateResult {
  const submitted = (event: SubmitEvent) => enter(filledIn(event)(KEY));
  const hint = 'It stays in the memory of this page: it is gone when you sign out, reload or close it.';
  return html`
    <h1>Dashboard</h1>
    <p class="lead">What the account has, what it was spent on, and who may spend it.</p>
    <form class="card stack sign-in" @submit=${submitted}>
      ${textField({ name: KEY, label: 'Secret key', type: 'password', required: true, code: true, hint, refused: wrong !== undefined })}
      ${wrong === undefined ? nothing : typeof wrong === 'string' ? html`<p class="wrong" role="alert">${wrong}</p>` : wrong}
      <div><button class="primary" aria-busy=${busy ? 'true' : 'false'}>Sign in</button></div>
    </form>
    <p class="hint">
      No key yet? Whoever runs this deployment opens accounts and gives the first one; <code>npm start</code> prints one for trying it
      out. <a href="/docs/keys/">How keys work</a>
    </p>
  `;
}
