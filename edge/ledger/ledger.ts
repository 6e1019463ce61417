/**
 * The ledger of one account and mode: a Durable Object, and the only writer of its money.
 *
 * What it answers is durable: the runtime holds an answer back until the writes before it are confirmed. Money is in SQLite alone, so
 * there is nothing to agree with when the object is evicted between two calls, or a call fails in the middle.
 */
import { DurableObject } from 'cloudflare:workers';
import type { DurableObjectState } from '@cloudflare/workers-types';
import type { JobWork } from '../../shared/contract/job-work.ts';
import { workOf } from '../backends/work.ts';
import type { Env } from '../env.ts';
import { log } from '../watching/log.ts';
import { nextWake, OVERDUE_MS } from './alarm.ts';
import { begin } from './begin.ts';
import { type Books, openBooks } from './books.ts';
import { collectDue } from './collect.ts';
import { credit } from './credit.ts';
import { leave, release, settle, sweepReleased } from './end.ts';
import { entriesAfter, last } from './entries.ts';
import { find } from './find.ts';
import { have } from './have.ts';
import { heldIn } from './holds.ts';
import { sweepAnswers } from './idempotency.ts';
import { putKey } from './keys.ts';
import { accountOf, Outbox, openAccount } from './outbox.ts';
import type {
  Balance,
  Begin,
  Begun,
  Credited,
  CreditKind,
  Entry,
  KeyTerms,
  KnownRequest,
  LedgerApi,
  Mode,
  Settled,
  Settlement,
} from './protocol.ts';
import { sweepTallies } from './tallies.ts';

/** Rows that are forgotten in one go; the rest is next. */
const SWEEP = 500;
/** Entries of one answer. */
const ENTRIES_MOST = 1_000;

export class Ledger extends DurableObject<Env> implements LedgerApi {
  private readonly books: Books;
  private readonly outbox: Outbox;
  /** When the alarm is set to, as far as this instance knows. */
  private alarmAt: number | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.books = openBooks(ctx.storage);
    this.outbox = new Outbox(ctx.storage.sql, (entries) => this.env.ENTRIES.sendBatch(entries));
  }

  async open(account: string, mode: Mode): Promise<void> {
    openAccount(this.books.storage.sql, account, mode);
  }

  async putKey(terms: KeyTerms): Promise<void> {
    putKey(this.books.storage.sql, terms);
  }

  async credit(id: string, kind: CreditKind, amount: number): Promise<Credited> {
    const credited = credit(this.books, id, kind, amount, Date.now());
    this.#exportSoon();
    return credited;
  }

  async begin(asked: Begin): Promise<Begun> {
    const now = Date.now();
    const begun = begin(this.books, asked, now);
    if (begun.type === 'held' || begun.type === 'joined') this.#wake(now + asked.holdMs);
    return begun;
  }

  async have(asked: Begin, settlement: Settlement): Promise<Begun> {
    const begun = have(this.books, asked, settlement, Date.now());
    if (begun.type === 'had') this.#exportSoon();
    return begun;
  }

  async settle(request: string, settlement: Settlement): Promise<Settled> {
    const settled = settle(this.books, request, settlement, Date.now());
    this.#exportSoon();
    return settled;
  }

  async settleAll(settlements: readonly (readonly [string, Settlement])[]): Promise<void> {
    const now = Date.now();
    for (const [request, settlement] of settlements) {
      try {
        settle(this.books, request, settlement, now);
      } catch (error) {
        log('error', 'a request could not be settled', { request, error: String(error) });
      }
    }
    this.#exportSoon();
  }

  async release(request: string): Promise<void> {
    release(this.books, request, Date.now());
  }

  async leave(request: string, collectInMs: number): Promise<void> {
    const due = Date.now() + collectInMs;
    leave(this.books, request, due);
    this.#wake(due);
  }

  async balance(): Promise<Balance> {
    const { sql } = this.books.storage;
    return { balance: last(sql).balance, held: heldIn(sql) };
  }

  async find(request: string): Promise<KnownRequest | undefined> {
    return find(this.books.storage.sql, request);
  }

  async entries(after: number, most: number): Promise<readonly Entry[]> {
    return entriesAfter(this.books.storage.sql, after, Math.min(most, ENTRIES_MOST));
  }

  /** Never rejects: the runtime gives an alarm up that failed a few times, and nothing would wake the ledger again. */
  override async alarm(): Promise<void> {
    this.alarmAt = undefined;
    const { sql } = this.books.storage;
    try {
      await Promise.all([this.outbox.send(), collectDue(this.books, (job) => this.#workOf(job), Date.now)]);
      await this.outbox.send();
      sweepAnswers(sql, Date.now(), SWEEP);
      sweepReleased(sql, Date.now(), SWEEP);
      sweepTallies(sql, Date.now(), SWEEP);
    } catch (error) {
      log('error', 'the alarm of a ledger failed', { ...accountOf(sql), error: String(error) });
    }
    this.#wake();
  }

  // Private ones by #, as everything else on the prototype can be called from outside.

  #workOf(job: string): Promise<JobWork | undefined> {
    return workOf(this.env, { job, owner: accountOf(this.books.storage.sql)?.account ?? '' });
  }

  /** By a timer, and the alarm only where the object does not live so long: an answer waits until an alarm before the last is confirmed. */
  #exportSoon(): void {
    this.outbox.sendSoon(() => this.#wake());
    this.#wake(Date.now() + OVERDUE_MS);
  }

  /** The next time there is something to do. */
  #next(): number | undefined {
    return nextWake(this.books.storage.sql, this.outbox.failures, Date.now());
  }

  /** Sets the alarm, where it would not come sooner. */
  #wake(at = this.#next()): void {
    if (at === undefined || (this.alarmAt !== undefined && this.alarmAt <= at)) return;
    // An instance that has just come back does not know its alarm, but what set it is in the tables.
    this.alarmAt = Math.min(at, (this.alarmAt === undefined ? this.#next() : undefined) ?? at);
    void this.ctx.storage.setAlarm(this.alarmAt);
  }
}
