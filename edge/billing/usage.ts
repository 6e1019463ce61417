/** What an account used, summed from its statements. */
import type { Env } from '../env.ts';
import type { Mode } from '../ledger/protocol.ts';
import { csv } from './csv.ts';
import type { Span } from './days.ts';
import { USAGE_KINDS } from './entry.ts';

export const GROUPS = ['day', 'key', 'model', 'preset'] as const;
export type Group = (typeof GROUPS)[number];

export interface Amounts {
  readonly requests: number;
  readonly texts: number;
  /** Positions x denoising steps. */
  readonly work: number;
  readonly micro_dollars: number;
}

/** Of one day, key, model or preset ('' of what ran without one), which `group` names, and how it is made up of answers computed, from the cache, and joined. */
export interface UsageRow extends Amounts {
  readonly group: string;
  readonly by_origin: Readonly<Record<string, Amounts>>;
}

interface Sum extends Amounts {
  readonly name: string;
  readonly origin: string;
}

/** How a row is named, as SQL. */
const NAMES: Readonly<Record<Group, string>> = {
  day: "strftime('%Y-%m-%d', at / 1000, 'unixepoch')",
  key: 'key',
  model: 'model',
  preset: 'preset',
};

const sumsBy = (group: Group) => `
  SELECT coalesce(${NAMES[group]}, '') AS name, kind AS origin, count(*) AS requests, coalesce(sum(texts), 0) AS texts,
    coalesce(sum(work), 0) AS work, -sum(amount) AS micro_dollars
  FROM statements
  WHERE account = ?1 AND mode = ?2 AND at >= ?3 AND at < ?4 AND kind IN (${USAGE_KINDS.map((kind) => `'${kind}'`).join()})
  GROUP BY name, origin ORDER BY name, origin`;

export interface UsageQuery extends Span {
  readonly account: string;
  readonly mode: Mode;
  readonly group: Group;
}

/** Rows in the order of their names. */
export async function readUsage(env: Env, { account, mode, group, start, end }: UsageQuery): Promise<UsageRow[]> {
  const { results } = await env.DB.prepare(sumsBy(group)).bind(account, mode, start, end).all<Sum>();
  const rows = new Map<string, UsageRow>();
  for (const { name, origin, ...amounts } of results) {
    const row = rows.get(name);
    const by_origin = { ...row?.by_origin, [origin]: amounts };
    rows.set(name, { group: name, ...total([...(row === undefined ? [] : [row]), amounts]), by_origin });
  }
  return [...rows.values()];
}

export function total(parts: readonly Amounts[]): Amounts {
  const sum = (of: (part: Amounts) => number) => parts.reduce((all, part) => all + of(part), 0);
  return {
    requests: sum(({ requests }) => requests),
    texts: sum(({ texts }) => texts),
    work: sum(({ work }) => work),
    micro_dollars: sum(({ micro_dollars }) => micro_dollars),
  };
}

/** One line for each row and origin, so that a spreadsheet can sum and pivot as it likes. */
export function usageCsv(group: Group, rows: readonly UsageRow[]): string {
  return csv(
    [group, 'origin', 'requests', 'texts', 'work', 'micro_dollars'],
    rows.flatMap(({ group: name, by_origin }) =>
      Object.entries(by_origin).map(([origin, { requests, texts, work, micro_dollars }]) => [
        ...[name, origin, requests, texts, work, micro_dollars],
      ]),
    ),
  );
}
