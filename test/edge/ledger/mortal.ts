/**
 * A ledger that can die anywhere: its books over the storage of a Durable Object, a clock of its own, and statements that throw.
 * A death in a call is one of its statements that throws, and none works after that, until new books are opened over what is stored.
 */
import { begin } from '../../../edge/ledger/begin.ts';
import { type Books, openBooks } from '../../../edge/ledger/books.ts';
import { collectDue, type WorkOf } from '../../../edge/ledger/collect.ts';
import { credit } from '../../../edge/ledger/credit.ts';
import { leave, release, settle } from '../../../edge/ledger/end.ts';
import { entriesAfter } from '../../../edge/ledger/entries.ts';
import { have } from '../../../edge/ledger/have.ts';
import { putKey } from '../../../edge/ledger/keys.ts';
import { Outbox, openAccount } from '../../../edge/ledger/outbox.ts';
import type { Begin, CreditKind, Entry, Exported, LedgerApi, Settlement } from '../../../edge/ledger/protocol.ts';
import type { LedgerStorage } from '../../../edge/ledger/storage.ts';
import { terms } from './account.ts';

const TABLES = ['account', 'key', 'entry', 'hold', 'tally', 'released', 'idempotency', 'answer'];

export class Died extends Error {}

/** What the queue does: takes a batch, refuses it, or takes it as the last thing the ledger lived to see. */
export type Fate = 'taken' | 'refused' | 'died';

export class MortalLedger implements Pick<LedgerApi, 'begin' | 'have' | 'settle' | 'release' | 'leave' | 'credit'> {
  now = Date.UTC(2026, 10, 10);
  readonly exported: Exported[] = [];
  private readonly storage: LedgerStorage;
  private books!: Books;
  private outbox!: Outbox;
  private life = { dead: false };
  private fate: Fate = 'taken';
  /** Statements until it dies. */
  private lives = Number.POSITIVE_INFINITY;

  /** A new ledger in a storage, whatever was in it before. */
  constructor(storage: LedgerStorage) {
    this.storage = storage;
    openBooks(storage);
    for (const table of TABLES) storage.sql.exec(`DELETE FROM ${table}`);
    openAccount(storage.sql, 'acc_mortal', 'test');
    putKey(storage.sql, terms);
    this.revive();
  }

  /** Everything in memory is lost. */
  revive(): void {
    // Of this life: what still runs of an earlier one stays dead.
    const life = { dead: false };
    this.life = life;
    const sql: LedgerStorage['sql'] = {
      exec: (query: string, ...bindings: unknown[]) => {
        if (this.lives-- <= 0) life.dead = true;
        if (life.dead) throw new Died();
        return this.storage.sql.exec(query, ...bindings);
      },
    };
    this.lives = Number.POSITIVE_INFINITY;
    this.books = openBooks({ sql, transactionSync: (closure) => this.storage.transactionSync(closure) });
    this.outbox = new Outbox(sql, async (messages) => {
      if (this.fate === 'refused') throw new Error('refused');
      this.exported.push(...messages.map(({ body }) => body));
      if (this.fate === 'died') life.dead = true;
    });
  }

  /** Dies after so many statements from now on, where there are so many; undefined: not at all. */
  dieAfter(statements: number | undefined): void {
    this.lives = statements ?? Number.POSITIVE_INFINITY;
  }

  async begin(asked: Begin) {
    return begin(this.books, asked, this.now);
  }

  async have(asked: Begin, settlement: Settlement) {
    return have(this.books, asked, settlement, this.now);
  }

  async settle(request: string, settlement: Settlement) {
    return settle(this.books, request, settlement, this.now);
  }

  async release(request: string) {
    release(this.books, request, this.now);
  }

  async leave(request: string, collectInMs: number) {
    leave(this.books, request, this.now + collectInMs);
  }

  async credit(id: string, kind: CreditKind, amount: number) {
    return credit(this.books, id, kind, amount, this.now);
  }

  collect(workOf: WorkOf): Promise<void> {
    return collectDue(this.books, workOf, () => this.now);
  }

  async send(fate: Fate): Promise<void> {
    this.fate = fate;
    await this.outbox.send();
    // The outbox takes its own death for a failure of the queue.
    if (this.life.dead) throw new Died();
  }

  /** All that is stored. */
  dump(): string {
    return JSON.stringify(TABLES.map((table) => this.storage.sql.exec(`SELECT * FROM ${table}`).toArray()));
  }

  stored(): LedgerStorage {
    return this.storage;
  }

  entries(): Entry[] {
    return entriesAfter(this.storage.sql, 0, 1_000);
  }

  /** What the queue took, as its consumer keeps it: each entry once by its id, in the order of their numbers. */
  exportedOnce(): Omit<Exported, 'account' | 'mode'>[] {
    const once = new Map(this.exported.map(({ account, mode, ...entry }) => [entry.id, entry]));
    return [...once.values()].sort((a, b) => a.seq - b.seq);
  }
}
