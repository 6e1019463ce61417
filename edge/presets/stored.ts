/** Presets as D1 has them. A preset belongs to one account and one mode; to all others it is not there. */
import type { D1Database, D1PreparedStatement } from '@cloudflare/workers-types';
import type { PresetTerms } from '../../shared/contract/preset.ts';
import type { Mode } from '../ledger/protocol.ts';

export interface PresetOwner {
  readonly account: string;
  readonly mode: Mode;
}

export interface StoredPreset extends PresetOwner {
  readonly id: string;
  readonly terms: PresetTerms;
  /** The secret for Turnstile, sealed (edge/presets/sealed.ts). */
  readonly turnstile?: string;
  /** Unix milliseconds. */
  readonly created: number;
}

interface Row extends PresetOwner {
  readonly id: string;
  readonly terms: string;
  readonly turnstile: string | null;
  readonly created: number;
}

function presetOfRow({ id, account, mode, terms, turnstile, created }: Row): StoredPreset {
  return { id, account, mode, terms: JSON.parse(terms), turnstile: turnstile ?? undefined, created };
}

const SELECT = 'SELECT id, account, mode, terms, turnstile, created FROM presets';

export async function readPreset(
  db: D1Database,
  { account, mode }: PresetOwner,
  id: string,
): Promise<StoredPreset | undefined> {
  const statement = db.prepare(`${SELECT} WHERE id = ? AND account = ? AND mode = ?`).bind(id, account, mode);
  const row = await statement.first<Row>();
  return row === null ? undefined : presetOfRow(row);
}

export interface PresetPage {
  /** Only those made before the preset of this id. */
  readonly after?: string;
  readonly limit: number;
}

/** Newest first. */
export async function listPresets(
  db: D1Database,
  { account, mode }: PresetOwner,
  { after, limit }: PresetPage,
): Promise<readonly StoredPreset[]> {
  const statement = db.prepare(
    `${SELECT} WHERE account = ?1 AND mode = ?2
     AND (?3 IS NULL OR rowid < (SELECT rowid FROM presets WHERE id = ?3 AND account = ?1)) ORDER BY rowid DESC LIMIT ?4`,
  );
  const { results } = await statement.bind(account, mode, after ?? null, limit).all<Row>();
  return results.map(presetOfRow);
}

/** D1 refuses it, and the batch around it, with `too_many_presets`: edge/migrations/0003_presets.sql. */
export function insertPreset(db: D1Database, preset: StoredPreset): D1PreparedStatement {
  const { id, account, mode, terms, turnstile, created } = preset;
  return db
    .prepare('INSERT INTO presets (id, account, mode, terms, turnstile, created) VALUES (?, ?, ?, ?, ?, ?)')
    .bind(id, account, mode, JSON.stringify(terms), turnstile ?? null, created);
}

/** Its terms and its secret; whose it is and when it was made stays. */
export function updatePreset(db: D1Database, { id, terms, turnstile }: StoredPreset): D1PreparedStatement {
  const statement = db.prepare('UPDATE presets SET terms = ?, turnstile = ? WHERE id = ?');
  return statement.bind(JSON.stringify(terms), turnstile ?? null, id);
}

export function deletePreset(db: D1Database, { id }: StoredPreset): D1PreparedStatement {
  return db.prepare('DELETE FROM presets WHERE id = ?').bind(id);
}
