/**
 * Payments for single requests, in D1: held, then settling until they are settled, or released. What has a time is looked at when it
 * has passed: a request of which nobody said what became of it, a settlement that failed.
 */
import type { D1Database } from '@cloudflare/workers-types';

export type PaymentState = 'held' | 'settling' | 'settled' | 'released' | 'lost';

/** A row of the table `payments`. Amounts are micro-dollars, times are Unix milliseconds. */
export interface PaymentRow {
  readonly id: string;
  readonly request: string;
  readonly job: string;
  readonly owner: string;
  readonly model: string;
  readonly state: PaymentState;
  readonly most: number;
  readonly computed_price: number;
  readonly amount: number | null;
  readonly work: number | null;
  /** As JSON, for the facilitator. */
  readonly payload: string;
  readonly requirements: string;
  readonly made: number;
  /** Nobody can settle it from then on. */
  readonly expires: number;
  readonly due: number | null;
  readonly attempts: number;
  /** What the facilitator answered, as JSON. */
  readonly answer: string | null;
  readonly problem: string | null;
}

export type NewPayment = Omit<PaymentRow, 'state' | 'amount' | 'work' | 'attempts' | 'answer' | 'problem'>;

/** A run that died may have claimed it. */
const LEASE_MS = 60_000;
const CLAIM = 50;

const INSERT = `
  INSERT INTO payments (id, request, job, owner, model, state, most, computed_price, payload, requirements, made, expires, due)
  VALUES (?, ?, ?, ?, ?, 'held', ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`;

/** @returns false where the payment was used before */
export async function addPayment(db: D1Database, row: NewPayment): Promise<boolean> {
  const { id, request, job, owner, model, most, computed_price, payload, requirements, made, expires, due } = row;
  const { meta } = await db
    .prepare(INSERT)
    .bind(id, request, job, owner, model, most, computed_price, payload, requirements, made, expires, due)
    .run();
  return meta.changes === 1;
}

export function paymentOf(db: D1Database, request: string): Promise<PaymentRow | null> {
  return db.prepare('SELECT * FROM payments WHERE request = ?').bind(request).first<PaymentRow>();
}

const BEGIN_SETTLING = `
  UPDATE payments SET state = 'settling', amount = min(?2, most), work = ?3, due = ?4 + ${LEASE_MS}
  WHERE request = ?1 AND state = 'held' RETURNING *`;

/** @returns null where it is settled, released or on its way already */
export function beginSettling(
  db: D1Database,
  request: string,
  { amount, work }: { readonly amount: number; readonly work: number },
  now: number,
): Promise<PaymentRow | null> {
  return db.prepare(BEGIN_SETTLING).bind(request, amount, work, now).first<PaymentRow>();
}

/** It is over, one way or the other. */
export async function close(
  db: D1Database,
  id: string,
  state: 'settled' | 'released' | 'lost',
  answer?: object,
): Promise<void> {
  await db
    .prepare('UPDATE payments SET state = ?2, answer = ?3, due = NULL WHERE id = ?1')
    .bind(id, state, answer === undefined ? null : JSON.stringify(answer))
    .run();
}

/** It is looked at again at a time. */
export async function postpone(db: D1Database, id: string, due: number, problem?: string): Promise<void> {
  const sql = 'UPDATE payments SET due = ?2, problem = ?3, attempts = attempts + 1 WHERE id = ?1';
  await db
    .prepare(sql)
    .bind(id, due, problem ?? null)
    .run();
}

/** The request costs nothing. Nothing happens where it is over already. */
export async function releasePayment(db: D1Database, request: string): Promise<void> {
  const sql = "UPDATE payments SET state = 'released', due = NULL WHERE request = ? AND state = 'held'";
  await db.prepare(sql).bind(request).run();
}

/** Its reader is gone: sets when to ask what ran. */
export async function leavePayment(db: D1Database, request: string, due: number): Promise<void> {
  const sql = "UPDATE payments SET due = ? WHERE request = ? AND state = 'held'";
  await db.prepare(sql).bind(due, request).run();
}

/** It is not tried again to settle it. */
export async function losePayment(db: D1Database, request: string): Promise<void> {
  const sql = "UPDATE payments SET state = 'lost', due = NULL WHERE request = ? AND state = 'settling'";
  await db.prepare(sql).bind(request).run();
}

const CLAIM_DUE = `
  UPDATE payments SET due = ?1 + ${LEASE_MS}
  WHERE id IN (SELECT id FROM payments WHERE due <= ?1 ORDER BY due LIMIT ${CLAIM}) RETURNING *`;

/** Those whose time has passed; no other run gets them for a while. */
export async function claimDue(db: D1Database, now: number): Promise<readonly PaymentRow[]> {
  return (await db.prepare(CLAIM_DUE).bind(now).all<PaymentRow>()).results;
}
