/** The latest requests of an account, from its statements: there within a second or two of their end. */
import type { Env } from '../env.ts';
import type { Mode, Settlement } from '../ledger/protocol.ts';
import type { Page } from '../requests/query.ts';
import { USAGE_KINDS } from './entry.ts';

export interface PaidRequest {
  /** 'req_...'. */
  readonly id: string;
  /** RFC 3339: when it was settled. */
  readonly at: string;
  readonly origin: Settlement['origin'];
  readonly model: string;
  /** Id of the key. */
  readonly key: string;
  /** Id of the preset that was run. */
  readonly preset?: string;
  readonly texts: number;
  /** Positions x denoising steps. */
  readonly work: number;
  readonly micro_dollars: number;
}

type Row = Omit<PaidRequest, 'at' | 'preset'> & { readonly at: number; readonly preset: string | null };

const LATEST = `
  SELECT id, at, kind AS origin, model, key, preset, texts, work, -amount AS micro_dollars FROM statements
  WHERE account = ?1 AND mode = ?2 AND kind IN (${USAGE_KINDS.map((kind) => `'${kind}'`).join()})
    AND (?3 IS NULL OR seq < (SELECT seq FROM statements WHERE account = ?1 AND mode = ?2 AND id = ?3))
  ORDER BY seq DESC LIMIT ?4`;

/** Newest first; those before `after`, where it is given. */
export async function latestRequests(
  env: Env,
  account: string,
  mode: Mode,
  { after, limit }: Page,
): Promise<readonly PaidRequest[]> {
  const { results } = await env.DB.prepare(LATEST)
    .bind(account, mode, after ?? null, limit)
    .all<Row>();
  return results.map(({ at, preset, ...row }) => ({
    ...row,
    at: new Date(at).toISOString(),
    ...(preset === null ? {} : { preset }),
  }));
}
