/**
 * What a ledger must be like from outside: a few maps beside the real one, told of every call and what it was answered. It throws
 * where the two differ.
 */
import { expect } from 'vitest';
import { amountOf, last } from '../../../edge/ledger/entries.ts';
import { holdOf } from '../../../edge/ledger/holds.ts';
import type { Begin, Begun, Credited, Settled, Settlement, Tally } from '../../../edge/ledger/protocol.ts';
import type { LedgerStorage } from '../../../edge/ledger/storage.ts';

/** As `expect(...).toEqual`, which takes longer than a whole call of a ledger where nothing is wrong. */
function same(actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected);
}

/** Tallies of a schedule: few requests, and less money than it may have. */
export const TALLIES: readonly Tally[] = [
  { id: 'runs', measure: 'requests', most: 3, ends: 9e15, refusal: { code: 'rate_limited', detail: 'r', waits: true } },
  {
    ...{ id: 'spent', measure: 'micro_dollars', most: 70, ends: 9e15 },
    refusal: { code: 'spend_limit_reached', detail: 's', waits: false },
  },
];

interface Open {
  readonly asked: Begin;
  readonly held: number;
  readonly joined?: string;
}

export class Model {
  balance = 0;
  readonly open = new Map<string, Open>();
  /** What requests that have ended were charged; those that were released, 0. */
  readonly ended = new Map<string, number>();
  readonly settled = new Set<string>();
  readonly credits = new Map<string, number>();
  /** Jobs that may be joined, by what their requests are equal by. */
  readonly flights = new Map<string, string>();
  /** Requests that count towards the tallies of `TALLIES`. */
  readonly tallied = new Set<string>();
  /** Idempotency-Keys of requests with an answer. */
  readonly kept = new Set<string>();

  get held(): number {
    return [...this.open.values()].reduce((sum, { held }) => sum + held, 0);
  }

  begun(asked: Begin, begun: Begun): void {
    const open = this.open.get(asked.request);
    if (open !== undefined && (open.joined === undefined || asked.flight !== undefined)) {
      same([begun.type, jobIn(begun)], [open.joined === undefined ? 'held' : 'joined', open.joined]);
      return;
    }
    const flight = open === undefined && asked.flight !== undefined ? this.flights.get(asked.flight) : undefined;
    const needs = flight === undefined ? asked.most : asked.price.cached;
    const has = this.balance - this.held + (open?.held ?? 0);
    const refusal = needs <= has ? this.tallyRefusal(asked, needs - (open?.held ?? 0)) : 'insufficient_credits';
    same(begun.type === 'refused' ? begun.problem.code : begun.type, this.expected(asked, flight, refusal));
    if (begun.type !== 'held' && begun.type !== 'joined') return;
    same(jobIn(begun), flight);
    this.open.set(asked.request, { asked: open?.asked ?? asked, held: needs, joined: flight });
    if (open === undefined && asked.tallies !== undefined) this.tallied.add(asked.request);
    if (asked.flight !== undefined && flight === undefined) this.flights.set(asked.flight, asked.job);
  }

  had(asked: Begin, settlement: Settlement, begun: Begun): void {
    const open = this.open.get(asked.request);
    if (open === undefined) {
      const needs = asked.price.cached;
      const covered = needs <= this.balance - this.held;
      const refusal = covered ? this.tallyRefusal(asked, needs) : 'insufficient_credits';
      const expected = this.expected(asked, undefined, refusal);
      const charged = expected === 'duplicate_id' && this.settled.has(asked.request);
      const said = expected === 'held' || charged ? 'had' : expected;
      same(begun.type === 'refused' ? begun.problem.code : begun.type, said);
      if (expected !== 'held') return;
      this.open.set(asked.request, { asked, held: needs });
      if (asked.tallies !== undefined) this.tallied.add(asked.request);
    } else {
      same(begun.type, 'had');
    }
    this.charge(asked.request, settlement);
  }

  settle(request: string, settlement: Settlement, settled: Settled): void {
    if (!this.open.has(request)) {
      same(settled, { charged: this.ended.get(request), balance: this.balance });
      return;
    }
    const charged = this.charge(request, settlement);
    same(settled, { charged, balance: this.balance });
  }

  private charge(request: string, { amount, answer }: Settlement): number {
    const open = this.open.get(request)!;
    const charged = Math.min(amount, open.held);
    this.balance -= charged;
    if (answer !== undefined && open.asked.idempotency !== undefined) this.kept.add(open.asked.idempotency.key);
    this.settled.add(request);
    this.end(request, charged);
    return charged;
  }

  release(request: string): void {
    if (this.open.has(request)) this.end(request, 0);
  }

  /** Nobody joins a job that may have lost its reader. */
  leave(request: string): void {
    for (const [flight, job] of this.flights) {
      if (job === this.open.get(request)?.asked.job) this.flights.delete(flight);
    }
  }

  /** Requests were asked for. What became of them is read, and held to what was said of their jobs. */
  collected({ sql }: Pick<LedgerStorage, 'sql'>, said: (job: string) => unknown): void {
    for (const [request, { asked, held, joined }] of [...this.open]) {
      if (holdOf(sql, request) !== undefined) continue;
      const steps = said(joined ?? asked.job);
      const charged = amountOf(sql, request);
      if (typeof steps !== 'number') {
        // Unreachable for too long, too.
        same([charged, steps === 'running'], [undefined, false]);
        this.end(request, 0);
        continue;
      }
      const expected = joined === undefined ? Math.min(steps, held) : asked.price.cached;
      same(charged, 0 - expected);
      this.balance -= expected;
      this.settled.add(request);
      this.end(request, expected);
    }
  }

  credit(id: string, amount: number, credited: Credited): void {
    const before = this.credits.get(id);
    const expected = before ?? Math.max(amount, this.held - this.balance);
    if (before === undefined) this.balance += expected;
    this.credits.set(id, expected);
    same(credited, { balance: this.balance, held: this.held, credited: expected });
  }

  /** What was in memory alone is lost. */
  evict(): void {
    this.flights.clear();
  }

  /** Everything that must hold at all times, read from the tables. */
  check({ sql }: Pick<LedgerStorage, 'sql'>): void {
    const facts = sql.exec(FACTS, TALLIES[0].id, TALLIES[1].id).one();
    same(facts, {
      ...{ entries: last(sql).seq, sum: this.balance, wrongBalances: 0, belowZero: 0 },
      ...{ holds: this.open.size, held: this.held, endedTwice: 0, strayKeys: 0, spentOtherwise: 0 },
      ...{ runs: this.used().requests, spent: this.used().amount },
    });
    same([last(sql).balance, this.held <= this.balance], [this.balance, true]);
  }

  /** Who began, and may be spoken of. */
  knows(request: string): boolean {
    return this.open.has(request) || this.ended.has(request);
  }

  /** Every request was charged once, what it should be, or released. */
  checkEntries({ sql }: Pick<LedgerStorage, 'sql'>): void {
    const entries = sql.exec<{ id: string; amount: number }>('SELECT id, amount FROM entry').toArray();
    const charges = [...this.settled].map((request) => [request, this.ended.get(request)!] as const);
    const expected = [...charges.map(([id, charged]) => [id, 0 - charged] as const), ...this.credits];
    expect(new Map(entries.map(({ id, amount }) => [id, amount]))).toEqual(new Map(expected));
    expect(entries).toHaveLength(expected.length);
  }

  /** What of the tallies is used: requests that were not released, and what they were charged or may be. */
  private used(): { readonly requests: number; readonly amount: number } {
    const counted = [...this.tallied].filter((request) => this.open.has(request) || this.settled.has(request));
    const amount = counted.reduce((sum, one) => sum + (this.open.get(one)?.held ?? this.ended.get(one)!), 0);
    return { requests: counted.length, amount };
  }

  private tallyRefusal({ request, tallies }: Begin, more: number): string | undefined {
    const isNew = !this.open.has(request);
    if (tallies === undefined || (!isNew && !this.tallied.has(request))) return undefined;
    const { requests, amount } = this.used();
    if (isNew && requests >= TALLIES[0].most) return TALLIES[0].refusal.code;
    return amount + more > TALLIES[1].most ? TALLIES[1].refusal.code : undefined;
  }

  private expected({ request, idempotency, flight: wanted }: Begin, flight: string | undefined, refusal?: string) {
    // Who computes after all what he had joined is judged by his money alone.
    if (this.open.has(request)) return refusal ?? 'held';
    if (idempotency !== undefined && this.kept.has(idempotency.key)) return 'replayed';
    const running = [...this.open.values()].some(({ asked }) => asked.idempotency?.key === idempotency?.key);
    if (idempotency !== undefined && running) return 'idempotency_in_progress';
    if (this.ended.has(request)) return 'duplicate_id';
    if (refusal !== undefined) return refusal;
    return wanted !== undefined && flight !== undefined ? 'joined' : 'held';
  }

  private end(request: string, charged: number): void {
    this.leave(request);
    this.open.delete(request);
    this.ended.set(request, charged);
  }
}

const jobIn = (begun: Begun) => (begun.type === 'joined' ? begun.job : undefined);

const FACTS = `SELECT
  (SELECT COUNT(*) FROM entry) AS entries,
  (SELECT COALESCE(SUM(amount), 0) FROM entry) AS sum,
  (SELECT COUNT(*) FROM (SELECT balance, SUM(amount) OVER (ORDER BY seq) AS sum FROM entry) WHERE balance <> sum)
    AS wrongBalances,
  (SELECT COUNT(*) FROM entry WHERE balance < 0) AS belowZero,
  (SELECT COUNT(*) FROM hold) AS holds,
  (SELECT COALESCE(SUM(amount), 0) FROM hold) AS held,
  (SELECT COUNT(*) FROM (SELECT request FROM hold UNION ALL SELECT id FROM entry UNION ALL SELECT request FROM released))
    - (SELECT COUNT(*) FROM (SELECT request FROM hold UNION SELECT id FROM entry UNION SELECT request FROM released))
    AS endedTwice,
  (SELECT COUNT(*) FROM idempotency WHERE (expires IS NULL) <> (key IN (SELECT idempotency FROM hold WHERE idempotency IS NOT NULL)))
    + (SELECT COUNT(*) FROM answer WHERE key NOT IN (SELECT key FROM idempotency WHERE expires IS NOT NULL)) AS strayKeys,
  (SELECT COUNT(*) FROM key WHERE spent <> (SELECT 0 - COALESCE(SUM(amount), 0) FROM entry WHERE key = key.id)) AS spentOtherwise,
  COALESCE((SELECT used FROM tally WHERE id = ?1), 0) AS runs, COALESCE((SELECT used FROM tally WHERE id = ?2), 0) AS spent`;
