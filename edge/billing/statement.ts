/** The statement of a month: what was there, what moved it, what is there. It agrees with the ledger, or says that it is not complete. */
import type { Env } from '../env.ts';
import type { EntryKind, Mode } from '../ledger/protocol.ts';
import type { Span } from './days.ts';

export interface Statement {
  readonly opening_balance: number;
  /** By kind of entry: how many there were, and what they add up to. */
  readonly entries: Readonly<Partial<Record<EntryKind, { readonly count: number; readonly micro_dollars: number }>>>;
  readonly closing_balance: number;
}

const SUMS = `
  SELECT CASE WHEN at < ?3 THEN '' ELSE kind END AS kind, count(*) AS count, sum(amount) AS micro_dollars
  FROM statements WHERE account = ?1 AND mode = ?2 AND at < ?4 GROUP BY 1`;

/** Amounts in micro-dollars. */
export async function readStatement(env: Env, account: string, mode: Mode, { start, end }: Span): Promise<Statement> {
  type Row = { kind: EntryKind | ''; count: number; micro_dollars: number };
  const { results } = await env.DB.prepare(SUMS).bind(account, mode, start, end).all<Row>();
  const before = results.find(({ kind }) => kind === '')?.micro_dollars ?? 0;
  const moved = results.filter(({ kind }) => kind !== '');
  return {
    opening_balance: before,
    entries: Object.fromEntries(moved.map(({ kind, ...sums }) => [kind, sums])),
    closing_balance: moved.reduce((balance, { micro_dollars }) => balance + micro_dollars, before),
  };
}
