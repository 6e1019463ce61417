/** The keys of the account: made, shown once, rotated, revoked. */
import { html, nothing, type TemplateResult } from 'lit';
import { createAction } from '../controls/action.ts';
import { chosen, confirmed } from '../controls/dialog.ts';
import { dollars, time, whole } from '../format.ts';
import type { Panel, Session } from '../session.ts';
import type { Key, NewKey } from '../wire.ts';
import { keyForm } from './form.ts';
import { showNewKey } from './new-key.ts';

/** How long the old key still works beside its successor: [seconds, in words]. */
const OVERLAPS = [
  ['86400', 'for a day'],
  ['3600', 'for an hour'],
  ['604800', 'for a week'],
  ['60', 'for a minute'],
] as const;

const STATE_TONES: Readonly<Record<Key['state'], string>> = { active: 'good', expired: 'warn', revoked: 'bad' };

export function keysPanel(session: Session): Panel {
  const { api, mode, changed, say, keys } = session;
  const changing = createAction(changed);
  const form = keyForm(session, made);

  async function made(key: NewKey): Promise<void> {
    if (key.kind === 'publishable') session.publishable.push(key.key);
    void keys.load();
    await showNewKey(key);
    say(`The key “${key.name}” is made.`);
  }

  async function revoke(key: Key): Promise<void> {
    const own = isOwn(key) ? ' You are signed in with this very key, and will be signed out.' : '';
    const detail = `Requests with it are refused at once and for good.${own}`;
    if (!(await confirmed({ title: `Revoke “${key.name}”?`, detail, action: 'Revoke' }))) return;
    await changing.run(async () => {
      await api.revokeKey(key.id);
      say(`The key “${key.name}” is revoked.`);
      await keys.load();
    });
  }

  async function rotate(key: Key): Promise<void> {
    const detail =
      'A second key with the same name, scopes and limits is made. Put it in place of this one, which goes on working:';
    const question = { title: `Rotate “${key.name}”?`, detail, action: 'Make the second key' };
    const overlap = await chosen(question, { label: 'The old key works', options: OVERLAPS });
    if (overlap === undefined) return;
    await changing.run(async () => made(await api.rotateKey(key.id, Number(overlap))));
  }

  /** As far as can be told: the API shows no more of a key than this. */
  const isOwn = (key: Key) => key.kind === 'secret' && key.mode === api.mode && key.last4 === api.last4;

  function open(): void {
    changing.clear();
    void keys.load();
  }

  function view(): TemplateResult {
    return html`
      <h2 id="panel" tabindex="-1">Keys</h2>
      ${changing.view()}
      ${keys.view((all) => table(all.filter((key) => key.mode === mode())))}
      ${form.view()}
    `;
  }

  function table(all: readonly Key[]): TemplateResult {
    if (all.length === 0) return html`<p>There is no ${mode()} key yet.</p>`;
    return html`<ul class="things" aria-label="Keys">${all.map(item)}</ul>`;
  }

  function item(key: Key): TemplateResult {
    const { name, kind, last4, state, scopes, origins, rotates } = key;
    return html`
      <li class="card spread">
        <div>
          <h3>${name} <span class=${`badge ${STATE_TONES[state]}`}>${state}</span></h3>
          <p>
            ${kind} …<code>${last4}</code>${isOwn(key) ? ', signed in with' : ''}${rotates === null ? '' : ', after a rotation'}; may
            ${scopes.join(', ')}${origins === undefined ? nothing : html` from ${origins.join(', ')}`}
          </p>
          <p class="hint">${limits(key)}; made ${time(key.created_at)}${ending(key)}</p>
        </div>
        ${state === 'active' ? buttons(key) : nothing}
      </li>
    `;
  }

  function buttons(key: Key): TemplateResult {
    return html`
      <div class="row">
        <button type="button" class="small" aria-label=${`Rotate ${key.name}`} @click=${() => rotate(key)}>Rotate</button>
        <button type="button" class="small danger" aria-label=${`Revoke ${key.name}`} @click=${() => revoke(key)}>Revoke</button>
      </div>
    `;
  }

  return { open, view };
}

/** Times are UTC. */
function ending({ revoked_at: revoked, expires_at: expires, state }: Key): string {
  if (revoked !== null) return `, revoked ${time(revoked)}`;
  if (expires === null) return '';
  return state === 'expired' ? `, expired ${time(expires)}` : `, works until ${time(expires)}`;
}

function limits({ requests_per_minute: perMinute, monthly_limit_micro_dollars: monthly }: Key): string {
  const money = monthly === null ? '' : `, ${dollars(monthly)} a month`;
  return `At most ${whole(perMinute)} requests a minute${money}`;
}
