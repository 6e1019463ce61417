/** What of a Durable Object's storage a ledger uses. Everything is synchronous, so nothing else of the object runs in between. */
import type { DurableObjectStorage, SqlStorage, SqlStorageValue } from '@cloudflare/workers-types';

export type Sql = Pick<SqlStorage, 'exec'>;

export interface LedgerStorage {
  readonly sql: Sql;
  readonly transactionSync: DurableObjectStorage['transactionSync'];
}

/** The first row, undefined where there is none. */
export function first<Row extends { [column in keyof Row]: SqlStorageValue }>(
  sql: Sql,
  query: string,
  ...bindings: SqlStorageValue[]
): Row | undefined {
  return sql.exec<Row & Record<string, SqlStorageValue>>(query, ...bindings).toArray()[0];
}
