/** A preset as answers show it: all but its secret. */
import type { Preset } from '../../shared/contract/preset.ts';
import type { StoredPreset } from './stored.ts';

export function shownPreset({ id, mode, terms, created }: StoredPreset): Preset {
  return { object: 'preset', id, mode, ...terms, created_at: new Date(created).toISOString() };
}
