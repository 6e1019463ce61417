/** Answers by Idempotency-Key: whether its request is still running, and what came of it, for a day. */
import { problem } from '../../shared/contract/problem.ts';
import { log } from '../watching/log.ts';
import type { KeptAnswer } from './protocol.ts';
import { first, type Sql } from './storage.ts';

const KEPT_MS = 24 * 3_600_000;
/** Seconds after which a request that is still running may be asked for again. */
const RETRY_AFTER_S = 1;
/** Bytes of a row: it may have 2 MB, and all of an answer is in several. */
const PIECE = 1_000_000;
/** Bytes of an answer. A larger one would be too much for the memory of the object (128 MB); its request runs again when it is repeated. */
export const ANSWER_MOST = 8_000_000;

interface Row {
  readonly fingerprint: string;
  readonly expires: number | null;
}

const BY_KEY = 'SELECT fingerprint, expires FROM idempotency WHERE key = ?';
const START = 'INSERT OR REPLACE INTO idempotency (key, fingerprint, request) VALUES (?, ?, ?)';
const FINISH = 'UPDATE idempotency SET expires = ? WHERE key = ?';
const PIECES = 'SELECT bytes FROM answer WHERE key = ? ORDER BY piece';
const OUTDATED = 'SELECT key FROM idempotency WHERE expires <= ? LIMIT ?';

/**
 * The answer to an earlier request with this key; undefined where there was none.
 * @throws ProblemError where that one was another request, or has not ended
 */
export function answerTo(
  sql: Sql,
  { key, fingerprint }: { readonly key: string; readonly fingerprint: string },
  now: number,
): KeptAnswer | undefined {
  const row = first<Row>(sql, BY_KEY, key);
  if (row === undefined || (row.expires !== null && row.expires <= now)) return undefined;
  if (row.fingerprint !== fingerprint) {
    const what = 'use a new key for another request';
    throw problem('idempotency_mismatch', `The Idempotency-Key was used for another request. What to do: ${what}.`);
  }
  if (row.expires !== null) return readAnswer(sql, key);
  const detail = 'The request with this Idempotency-Key is still running. What to do: ask again a little later.';
  throw problem('idempotency_in_progress', detail, { retryAfter: RETRY_AFTER_S });
}

export function start(sql: Sql, key: string, fingerprint: string, request: string): void {
  forget(sql, key);
  sql.exec(START, key, fingerprint, request);
}

/** The request has ended: keeps its answer, or where there is none forgets the key, so that it runs again. */
export function finish(sql: Sql, key: string, answer: KeptAnswer | undefined, now: number): void {
  const bytes = answer === undefined ? undefined : new TextEncoder().encode(JSON.stringify(answer));
  if (bytes === undefined || bytes.length > ANSWER_MOST) {
    if (bytes !== undefined) log('warn', 'an answer is too large to be kept', { bytes: bytes.length });
    forget(sql, key);
    return;
  }
  for (let piece = 0; piece * PIECE < bytes.length; piece++) {
    const part = bytes.slice(piece * PIECE, (piece + 1) * PIECE);
    sql.exec('INSERT INTO answer (key, piece, bytes) VALUES (?, ?, ?)', key, piece, part);
  }
  sql.exec(FINISH, now + KEPT_MS, key);
}

/** Forgets keys whose day is over. */
export function sweepAnswers(sql: Sql, now: number, most: number): void {
  for (const { key } of sql.exec<{ key: string }>(OUTDATED, now, most).toArray()) forget(sql, key);
}

function forget(sql: Sql, key: string): void {
  sql.exec('DELETE FROM answer WHERE key = ?', key);
  sql.exec('DELETE FROM idempotency WHERE key = ?', key);
}

function readAnswer(sql: Sql, key: string): KeptAnswer {
  const decoder = new TextDecoder();
  const pieces = sql.exec<{ bytes: ArrayBuffer }>(PIECES, key).toArray();
  const text = pieces.map(({ bytes }) => decoder.decode(bytes, { stream: true })).join('') + decoder.decode();
  return JSON.parse(text) as KeptAnswer;
}
