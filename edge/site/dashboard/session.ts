/** What the parts of the dashboard share while somebody is signed in, and what such a part is. */
import type { TemplateResult } from 'lit';
import type { Preset } from '../../../shared/contract/preset.ts';
import type { Api } from './api.ts';
import { createList, type List } from './controls/resource.ts';
import type { Key, Mode } from './wire.ts';

export interface Session {
  readonly api: Api;
  /** When somebody signs out: whatever still knows the session lets go of it. */
  readonly ended: AbortSignal;
  /** Whose numbers are in view. */
  mode(): Mode;
  /** Renders the page again. */
  changed(): void;
  /** Says what was done, also to who does not see it. */
  say(what: string): void;
  readonly keys: List<Key>;
  /** Those of the key's own mode. */
  readonly presets: List<Preset>;
  /** What a key is called and how it ends, or what a preset is called; the id where that is not known. */
  nameOf(id: string): string;
  /** Publishable keys made since signing in, which a snippet can name. Everybody may read them; secret ones are not kept. */
  readonly publishable: string[];
}

export interface Panel {
  /** Asks for what it shows. */
  open(): void;
  view(): TemplateResult;
}

/** @param desk what the session has of the page around it */
export function createSession(api: Api, desk: Pick<Session, 'ended' | 'mode' | 'changed' | 'say'>): Session {
  const keys = createList((after) => api.keys(after), desk.changed);
  const presets = createList((after) => api.presets(after), desk.changed);
  function nameOf(id: string): string {
    const key = keys.items().find((one) => one.id === id);
    if (key !== undefined) return `${key.name} …${key.last4}`;
    return presets.items().find((one) => one.id === id)?.name ?? id;
  }
  return { ...desk, api, keys, presets, nameOf, publishable: [] };
}
