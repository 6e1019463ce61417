/**
 * The ledger of one account and mode: a Durable Object, and the only writer of its money.
 *
 * What it answers is durable: the runtime holds an answer back until the writes before it are confirmed. Money is in SQLite alone, so
 * there is nothing to agree with when the object is evicted between two calls, or a call fails in the middle.
 */
import { DurableObject } from 'cloudflare:workers';
import type { DurableObjectState } from '@cloudflare/workers-types';
import { backendUnavailable } from '../backend.ts';
import type { Env } from '../env.ts';
import { log } from '../log.ts';
import { DRAIN_MS, nextWake } from './alarm.ts';
import { begin } from './begin.ts';
import { type Books, openBooks } from './books.ts';
import { collectDue, type WorkOf } from './collect.ts';
import { credit } from './credit.ts';
import { leave, release, settle, sweepReleased } from './end.ts';
import { entriesAfter, last } from './entries.ts';
import { held } from './holds.ts';
import { sweepAnswers } from './idempotency.ts';
import { putKey } from './keys.ts';
import { accountOf, drain, openAccount } from './outbox.ts';
import type {
  Balance,
  Begin,
  Begun,
  Credited,
  CreditKind,
  Entry,
  KeyTerms,
  LedgerApi,
  Mode,
  Settled,
  Settlement,
} from './protocol.ts';

/** Rows that are forgotten in one go; the rest is next. */
const SWEEP = 500;
/** Entries of one answer. */
const ENTRIES_MOST = 1_000;

export class Ledger extends DurableObject<Env> implements LedgerApi {
  private readonly books: Books;
  private readonly workOf: WorkOf = () => Promise.reject(backendUnavailable());
  /** When the alarm is set to, as far as this instance knows. */
  private alarmAt: number | undefined;
  /** Of the queue, one after the other. */
  private failures = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.books = openBooks(ctx.storage);
  }

  async open(account: string, mode: Mode): Promise<void> {
    openAccount(this.books.storage.sql, account, mode);
  }

  async putKey(terms: KeyTerms): Promise<void> {
    putKey(this.books.storage.sql, terms);
  }

  async credit(id: string, kind: CreditKind, amount: number): Promise<Credited> {
    const now = Date.now();
    const credited = credit(this.books, id, kind, amount, now);
    this.wake(now + DRAIN_MS);
    return credited;
  }

  async begin(asked: Begin): Promise<Begun> {
    const now = Date.now();
    const begun = begin(this.books, asked, now);
    this.wake(now + asked.holdMs);
    return begun;
  }

  async settle(request: string, settlement: Settlement): Promise<Settled> {
    const now = Date.now();
    const settled = settle(this.books, request, settlement, now);
    this.wake(now + DRAIN_MS);
    return settled;
  }

  async release(request: string): Promise<void> {
    release(this.books, request, Date.now());
  }

  async leave(request: string, collectInMs: number): Promise<void> {
    const due = Date.now() + collectInMs;
    leave(this.books, request, due);
    this.wake(due);
  }

  async balance(): Promise<Balance> {
    const { sql } = this.books.storage;
    return { balance: last(sql).balance, held: held(sql).amount };
  }

  async entries(after: number, most: number): Promise<readonly Entry[]> {
    return entriesAfter(this.books.storage.sql, after, Math.min(most, ENTRIES_MOST));
  }

  /** Never rejects: the runtime gives an alarm up that failed a few times, and nothing would wake the ledger again. */
  override async alarm(): Promise<void> {
    this.alarmAt = undefined;
    try {
      await Promise.all([this.drain(), collectDue(this.books, this.workOf, Date.now)]);
      sweepAnswers(this.books.storage.sql, Date.now(), SWEEP);
      sweepReleased(this.books.storage.sql, Date.now(), SWEEP);
    } catch (error) {
      log('error', 'the alarm of a ledger failed', { ...accountOf(this.books.storage.sql), error: String(error) });
    }
    const next = nextWake(this.books.storage.sql, this.failures, Date.now());
    if (next !== undefined) this.wake(next);
  }

  private async drain(): Promise<void> {
    try {
      await drain(this.books.storage.sql, this.env.ENTRIES);
      this.failures = 0;
    } catch (error) {
      this.failures++;
      log('warn', 'the queue did not take entries', { failures: this.failures, error: String(error) });
    }
  }

  /** Sets the alarm to a time, where it would not come sooner. */
  private wake(at: number): void {
    if (this.alarmAt !== undefined && this.alarmAt <= at) return;
    // An instance that has just come back does not know its alarm; what may have set it is in the tables.
    const first = this.alarmAt === undefined ? nextWake(this.books.storage.sql, this.failures, Date.now()) : undefined;
    this.alarmAt = Math.min(at, first ?? at);
    void this.ctx.storage.setAlarm(this.alarmAt);
  }
}
