/** What a ledger knows of a request that began here. */
import { holdOf } from './holds.ts';
import type { KnownRequest } from './protocol.ts';
import { first, type Sql } from './storage.ts';

const CHARGED = 'SELECT model FROM entry WHERE id = ? AND model IS NOT NULL';
const RELEASED = 'SELECT 1 AS yes FROM released WHERE request = ?';

/** Undefined where it never began here. */
export function find(sql: Sql, request: string): KnownRequest | undefined {
  const hold = holdOf(sql, request);
  if (hold !== undefined) return { state: 'open', price: hold.price };
  const charged = first<{ model: string }>(sql, CHARGED, request);
  if (charged !== undefined) return { state: 'charged', model: charged.model };
  return first(sql, RELEASED, request) === undefined ? undefined : { state: 'released' };
}
