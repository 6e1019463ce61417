/** Who changed what of an account: a row that its owner can read, and a line of the log. Neither has a secret, nor what somebody named a thing. */
import type { D1Database, D1PreparedStatement } from '@cloudflare/workers-types';
import type { Mode } from './ledger/protocol.ts';
import { log } from './watching/log.ts';

/** Who asks for a change. */
export interface Actor {
  /** 'admin', or the id of a key. */
  readonly actor: string;
  /** Id of the request. */
  readonly request: string;
}

export const ACTIONS = [
  ...(['account.opened', 'account.changed', 'account.closed', 'account.reopened', 'credit.added'] as const),
  ...(['key.created', 'key.rotated', 'key.revoked'] as const),
  ...(['preset.created', 'preset.replaced', 'preset.deleted'] as const),
] as const;

export interface Change extends Actor {
  readonly account: string;
  /** Absent where it concerns the account as a whole. */
  readonly mode?: Mode;
  readonly action: (typeof ACTIONS)[number];
  /** Id of what was changed. */
  readonly target: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The row; in one batch with what it tells of, so that neither is there without the other. */
export function auditRow(db: D1Database, change: Change): D1PreparedStatement {
  const { account, mode, actor, action, target, request, details = {} } = change;
  return db
    .prepare(
      'INSERT INTO audit (at, account, mode, actor, action, target, request, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    .bind(Date.now(), account, mode ?? null, actor, action, target, request, JSON.stringify(details));
}

/** The line, once it is done. */
export function logChange(change: Change): void {
  log('info', change.action, { audit: true, ...change });
}

/** A row as it was written. */
export interface AuditRow extends Change {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface AuditPage {
  /** Only what concerns this mode or the account as a whole. */
  readonly mode?: Mode;
  /** Only rows before this one. */
  readonly before?: number;
  readonly limit: number;
}

/** Rows of an account, newest first. */
export async function readAudit(db: D1Database, account: string, page: AuditPage): Promise<readonly AuditRow[]> {
  const statement = db.prepare(
    `SELECT seq, at, account, mode, actor, action, target, request, details FROM audit
     WHERE account = ?1 AND (?2 IS NULL OR mode IS NULL OR mode = ?2) AND (?3 IS NULL OR seq < ?3) ORDER BY seq DESC LIMIT ?4`,
  );
  const { results } = await statement
    .bind(account, page.mode ?? null, page.before ?? null, page.limit)
    .all<AuditRow & { readonly details: string }>();
  return results.map((row) => ({ ...row, mode: row.mode ?? undefined, details: JSON.parse(row.details) }));
}
