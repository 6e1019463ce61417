/** Making, replacing and deleting presets: each in one batch with its row of the audit. */
import { PRESET_LIMITS, type PresetTerms } from '../../shared/contract/preset.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import { type Actor, auditRow, type Change, logChange } from '../audit.ts';
import type { Env } from '../env.ts';
import { presetIdentifier } from '../identifier.ts';
import { reached } from '../reached.ts';
import type { AskedPreset } from './asked.ts';
import { forgetPreset } from './find.ts';
import { seal } from './sealed.ts';
import { deletePreset, insertPreset, type PresetOwner, type StoredPreset, updatePreset } from './stored.ts';

/** @throws ProblemError `conflict` where the account has too many */
export async function createPreset(
  env: Env,
  by: Actor,
  { account, mode }: PresetOwner,
  { terms, turnstile }: AskedPreset,
): Promise<StoredPreset> {
  const id = presetIdentifier();
  const sealed = turnstile === undefined ? undefined : await seal(env, id, turnstile);
  const preset: StoredPreset = { id, account, mode, terms, turnstile: sealed, created: Date.now() };
  await write(env, insertPreset(env.DB, preset), changeOf(by, 'preset.created', preset));
  return preset;
}

/** Another preset under the same id, so that pages keep working. A secret that is not given again stays. */
export async function replacePreset(
  env: Env,
  by: Actor,
  old: StoredPreset,
  { terms, turnstile }: AskedPreset,
): Promise<StoredPreset> {
  const given = turnstile === undefined ? old.turnstile : await seal(env, old.id, turnstile);
  const preset: StoredPreset = { ...old, terms, turnstile: terms.protection === 'turnstile' ? given : undefined };
  await write(env, updatePreset(env.DB, preset), changeOf(by, 'preset.replaced', preset));
  forgetPreset(preset);
  return preset;
}

export async function removePreset(env: Env, by: Actor, preset: StoredPreset): Promise<void> {
  await write(env, deletePreset(env.DB, preset), changeOf(by, 'preset.deleted', preset));
  forgetPreset(preset);
}

function changeOf(by: Actor, action: Change['action'], { id, account, mode, terms }: StoredPreset): Change {
  return { ...by, account, mode, action, target: id, details: detailsOf(terms) };
}

/** What it may cost, and whom it trusts. */
function detailsOf({ protection, daily_limit_micro_dollars }: PresetTerms) {
  return { protection, daily_limit_micro_dollars };
}

async function write(env: Env, statement: ReturnType<typeof insertPreset>, change: Change): Promise<void> {
  await reached('D1', async () => {
    await env.DB.batch([statement, auditRow(env.DB, change)]).catch((error) => {
      throw conflictOf(String(error)) ?? error;
    });
  });
  logChange(change);
}

function conflictOf(error: string): ProblemError | undefined {
  if (!error.includes('too_many_presets')) return undefined;
  return problem(
    'conflict',
    `The account has ${PRESET_LIMITS.presets} presets, which is the most; delete one that is not used.`,
  );
}
