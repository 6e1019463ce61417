/**
 * The preset of a run. A busy page asks for the same one again and again, so an isolate remembers it for seconds: that is how soon a
 * preset that was replaced or deleted is so everywhere. Its limits are the ledger's, and are counted at once.
 */
import { problem } from '../../shared/contract/problem.ts';
import type { Env } from '../env.ts';
import { remembered } from '../keys/remembered.ts';
import { reached } from '../reached.ts';
import { type PresetOwner, readPreset, type StoredPreset } from './stored.ts';

const MEMORY_MS = 10_000;
/** Presets that are not there: a page that names a deleted one goes on doing so. */
const UNKNOWN_MS = 5_000;
const MOST_KNOWN = 2_000;
const MOST_UNKNOWN = 1_000;

const known = remembered<StoredPreset>(MOST_KNOWN);
const unknown = remembered<true>(MOST_UNKNOWN);

const nameOf = ({ account, mode }: PresetOwner, id: string) => `${account}:${mode}:${id}`;

/** @throws ProblemError `unknown_preset`, for a preset of somebody else as for one that does not exist */
export async function findPreset(env: Env, owner: PresetOwner, id: string): Promise<StoredPreset> {
  const name = nameOf(owner, id);
  const near = known.get(name);
  if (near !== undefined) return near;
  if (unknown.get(name) === true) throw unknownPreset(id);
  const found = await reached('D1', () => readPreset(env.DB, owner, id));
  if (found === undefined) {
    unknown.set(name, true, Date.now() + UNKNOWN_MS);
    throw unknownPreset(id);
  }
  known.set(name, found, Date.now() + MEMORY_MS);
  return found;
}

/** Forgets it in this isolate. */
export function forgetPreset({ id, ...owner }: StoredPreset): void {
  known.delete(nameOf(owner, id));
}

export function unknownPreset(id: string) {
  return problem('unknown_preset', `There is no preset ${JSON.stringify(id.slice(0, 60))}.`);
}
