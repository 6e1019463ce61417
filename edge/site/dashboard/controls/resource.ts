/** Something that is asked for and comes later, or does not: a balance, a list. */
import { html, type TemplateResult } from 'lit';
import type { Page } from '../wire.ts';
import { problemNotice } from './problem-notice.ts';

type State<Value> =
  | { readonly type: 'new' }
  | { readonly type: 'loading'; readonly value?: Value }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'there'; readonly value: Value };

export interface Resource<Value> {
  /** Asks again; what is there stays in view until the answer comes. */
  load(): Promise<void>;
  /** Undefined until it is there. */
  value(): Value | undefined;
  /** The value as it looks, or that it is on its way, or why it is not there. */
  view(shown: (value: Value) => TemplateResult): TemplateResult;
}

/** @param changed told whenever it looks otherwise than before */
export function createResource<Value>(ask: () => Promise<Value>, changed: () => void): Resource<Value> {
  let state: State<Value> = { type: 'new' };
  let asked = 0;

  function become(next: State<Value>): void {
    state = next;
    changed();
  }

  async function load(): Promise<void> {
    const mine = ++asked;
    become({ type: 'loading', value: value() });
    // An answer that a later question has overtaken is of no interest any more.
    try {
      const value = await ask();
      if (mine === asked) become({ type: 'there', value });
    } catch (error) {
      if (mine === asked) become({ type: 'failed', error });
    }
  }

  function value(): Value | undefined {
    return state.type === 'there' || state.type === 'loading' ? state.value : undefined;
  }

  function view(shown: (value: Value) => TemplateResult): TemplateResult {
    if (state.type === 'failed') return problemNotice(state.error, load);
    const known = value();
    if (known === undefined) return html`<p class="hint" aria-busy="true">Loading …</p>`;
    return html`<div aria-busy=${state.type === 'loading' ? 'true' : 'false'}>${shown(known)}</div>`;
  }

  return { load, value, view };
}

export interface List<Item> {
  /** From the beginning. */
  load(): Promise<void>;
  items(): readonly Item[];
  view(shown: (items: readonly Item[]) => TemplateResult): TemplateResult;
}

/** A list that comes in pages, with a button for the next one. */
export function createList<Item extends { readonly id: string }>(
  ask: (after?: string) => Promise<Page<Item>>,
  changed: () => void,
): List<Item> {
  let before: readonly Item[] = [];
  const resource = createResource(async () => {
    const page = await ask(before.at(-1)?.id);
    return { items: [...before, ...page.data], more: page.has_more };
  }, changed);

  function load(): Promise<void> {
    before = [];
    return resource.load();
  }

  function older(): void {
    before = items();
    void resource.load();
  }

  const items = () => resource.value()?.items ?? [];
  return {
    load,
    items,
    view: (shown) =>
      resource.view(
        ({ items, more }) =>
          html`${shown(items)} ${more ? html`<p><button type="button" @click=${older}>Show older</button></p>` : ''}`,
      ),
  };
}
