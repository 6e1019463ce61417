/** What has to be known of an account to judge a request that begins, in one statement: one takes about 40 us however small (measured). */
import { type Key, type KeyRow, keyIn } from './keys.ts';
import { first, type Sql } from './storage.ts';
import { type Counted, countedIn } from './tallies.ts';

/** The hold of the request itself, where it began before. */
export interface OpenRequest {
  readonly job: string;
  readonly joined: boolean;
  readonly amount: number;
  readonly idempotency?: string;
  readonly tallies?: readonly Counted[];
}

export interface Standing {
  readonly balance: number;
  /** The open holds: how many, and how much for all and for the key. */
  readonly count: number;
  readonly held: number;
  readonly heldOfKey: number;
  readonly key?: Key;
  readonly open?: OpenRequest;
  /** Whether the request has ended. */
  readonly ended: boolean;
}

interface Row extends Omit<KeyRow, 'id'> {
  readonly id: string | null;
  readonly balance: number;
  readonly count: number;
  readonly held: number;
  readonly heldOfKey: number;
  readonly job: string | null;
  readonly joined: number;
  readonly amount: number;
  readonly idempotency: string | null;
  readonly tallies: string | null;
  readonly ended: number;
}

const STANDING = `SELECT key.*, sums.*, hold.job, hold.joined, hold.amount, hold.idempotency, hold.tallies,
    COALESCE((SELECT balance FROM entry ORDER BY seq DESC LIMIT 1), 0) AS balance,
    EXISTS (SELECT 1 FROM entry WHERE id = ?1) OR EXISTS (SELECT 1 FROM released WHERE request = ?1) AS ended
  FROM (
    SELECT COUNT(*) AS count, COALESCE(SUM(amount), 0) AS held,
      COALESCE(SUM(CASE WHEN key = ?2 THEN amount END), 0) AS heldOfKey FROM hold
  ) AS sums
  LEFT JOIN key ON key.id = ?2
  LEFT JOIN hold ON hold.request = ?1`;

export function standingOf(sql: Sql, request: string, key: string, now: number): Standing {
  const { id, job, joined, amount, idempotency, tallies, ended, ...row } = first<Row>(sql, STANDING, request, key)!;
  const { balance, count, held, heldOfKey } = row;
  return {
    ...{ balance, count, held, heldOfKey, ended: ended === 1 },
    key: id === null ? undefined : keyIn({ ...row, id }, now),
    open: job === null ? undefined : openIn({ job, joined, amount, idempotency, tallies }),
  };
}

type OpenRow = Pick<Row, 'joined' | 'amount' | 'idempotency' | 'tallies'> & { readonly job: string };

function openIn({ job, joined, amount, idempotency, tallies }: OpenRow): OpenRequest {
  return {
    ...{ job, amount, joined: joined === 1, idempotency: idempotency ?? undefined },
    tallies: tallies === null ? undefined : countedIn(tallies),
  };
}
