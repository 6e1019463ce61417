/**
 * What is said to a ledger and what it says: the seam between a request and the money. All amounts are whole micro-dollars.
 *
 * A request begins (its most is held), then exactly one thing becomes of it: settled, released, or left by its reader and collected later.
 * Every call is idempotent by the request's id. A ledger belongs to one account and one mode, and is its only writer.
 */
import type { Origin } from '../../shared/contract/price.ts';
import type { Problem, ProblemCode } from '../../shared/contract/problem.ts';
import type { ProgressEvent } from '../../shared/contract/stream.ts';

/** An answer as it is kept to be given again in any form. */
export interface KeptAnswer {
  /** Unix milliseconds. */
  readonly made: number;
  readonly events: readonly ProgressEvent[];
}

/** What may be used of something until it ends: runs of a visitor in a day, uses of a session, the money of a preset in a day. */
export interface Tally {
  /** What is counted and for when: 'preset:preset_4k0...:2026-11-26'. The same id is the same tally. */
  readonly id: string;
  readonly measure: 'requests' | 'micro_dollars';
  readonly most: number;
  /** When it is over and forgotten; Unix milliseconds. */
  readonly ends: number;
  /** What is said to a request that would pass it; `waits`: with the seconds until its end. */
  readonly refusal: { readonly code: ProblemCode; readonly detail: string; readonly waits: boolean };
}

export interface Begin {
  /** Id of the request, 'req_...'. */
  readonly request: string;
  /** Id of its job at the service, 'gen_...'. */
  readonly job: string;
  /** Id of the key, 'key_...'. */
  readonly key: string;
  readonly model: string;
  /** The most it can cost. */
  readonly most: number;
  /** Price of the model at the beginning, for when the ledger has to collect by itself. */
  readonly price: { readonly computed: number; readonly cached: number };
  /** Milliseconds after which, where nothing was said of the request, the ledger asks the service what ran. */
  readonly holdMs: number;
  /** SHA-256 of the Idempotency-Key together with the key's id, and of the canonical body with its route. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string };
  /** Id of the preset that is run. */
  readonly preset?: string;
  /** What it counts towards. */
  readonly tallies?: readonly Tally[];
  /** Given where an identical request under way may answer for this one: what the two are equal by (the cache key). */
  readonly flight?: string;
}

/** The key's token bucket after this request. */
export interface RateState {
  /** Requests in a full bucket, and the seconds in which an empty one fills. */
  readonly limit: number;
  readonly window: number;
  readonly remaining: number;
  /** Seconds until the bucket is full again. */
  readonly reset: number;
}

export type Begun =
  /** The most is held; the work may start. */
  | { readonly type: 'held'; readonly rate?: RateState }
  /** What was there already is paid for; nothing is held any more. */
  | { readonly type: 'had'; readonly rate?: RateState }
  /** An identical request is under way as this job; the price of a cached answer is held. */
  | { readonly type: 'joined'; readonly job: string; readonly rate?: RateState }
  /** The answer to this Idempotency-Key; nothing is held. */
  | { readonly type: 'replayed'; readonly answer: KeptAnswer; readonly rate?: RateState }
  /** Nothing is held. */
  | { readonly type: 'refused'; readonly problem: Problem; readonly rate?: RateState };

export interface Settlement {
  readonly origin: Exclude<Origin, 'replayed'>;
  /** What it cost; never more than is held. */
  readonly amount: number;
  /** Positions x denoising steps that ran for it. */
  readonly work: number;
  readonly texts: number;
  /** Kept for a day where the request had an Idempotency-Key. */
  readonly answer?: KeptAnswer;
}

export interface Settled {
  readonly charged: number;
  readonly balance: number;
}

/** Who pays for a request: a ledger, or a payment made for this one request. */
export interface Purse {
  begin(begin: Begin): Promise<Begun>;
  /** Begins a request whose answer is there already, and settles it: in one call, as that is all the work it is. */
  have(begin: Begin, settlement: Settlement): Promise<Begun>;
  /** @returns what was charged: at a second call what the first one did */
  settle(request: string, settlement: Settlement): Promise<Settled>;
  /** As `settle`, a few milliseconds later and together with others: for requests that no other one waits for. */
  settleSoon(request: string, settlement: Settlement): Promise<void>;
  /** It costs nothing: a refusal or a failure of ours. */
  release(request: string): Promise<void>;
  /** The reader went away: in so many milliseconds, when he can no longer come back, the ledger asks the service what ran, and charges that. */
  leave(request: string, collectInMs: number): Promise<void>;
}

/** A request that began at a ledger, for whoever takes up its stream. */
export type KnownRequest =
  | { readonly state: 'open'; readonly price: Begin['price'] }
  | { readonly state: 'charged'; readonly model: string }
  | { readonly state: 'released' };

/** What a ledger enforces of a key; the rest of it is the edge's. */
export interface KeyTerms {
  readonly id: string;
  readonly revoked: boolean;
  /** Unix milliseconds. */
  readonly expires?: number;
  /** Requests a minute. */
  readonly perMinute: number;
  /** Micro-dollars a calendar month (UTC). */
  readonly monthly?: number;
}

/** Why money moved. Kinds other than the three of usage come from outside. */
export type EntryKind = 'computed' | 'cached' | 'joined' | 'top_up' | 'grant' | 'refund' | 'adjustment';
export type CreditKind = Exclude<EntryKind, Settlement['origin']>;

/** One line of the account: append-only, and the balance is their sum at all times. */
export interface Entry {
  /** From 1, without gaps. */
  readonly seq: number;
  /** Of the request, of the payment's event: unique. */
  readonly id: string;
  readonly kind: EntryKind;
  /** Positive: to the account. */
  readonly amount: number;
  /** After this entry. */
  readonly balance: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly key?: string;
  readonly model?: string;
  readonly work?: number;
  readonly texts?: number;
  readonly preset?: string;
}

/** An entry on its way out: to statements, meters, events. At least once; `id` with `account` and `mode` says which one it is. */
export interface Exported extends Entry {
  readonly account: string;
  readonly mode: Mode;
}

/** Test keys spend play money of a ledger of their own. */
export type Mode = 'live' | 'test';

export interface Balance {
  readonly balance: number;
  /** Held for requests under way. */
  readonly held: number;
}

export interface Credited extends Balance {
  /** As asked for; less where money is taken that is not there. */
  readonly credited: number;
}

/** The ledgers, by the name that `ledgerOf` gives them. */
export interface Ledgers {
  getByName(name: string): LedgerApi;
}

/** All that a ledger does: what a Purse does for requests, and the account's own matters. */
export interface LedgerApi extends Omit<Purse, 'settleSoon'> {
  /** Settles several requests at once. What is wrong with one of them is logged, and does not concern the others. */
  settleAll(settlements: readonly (readonly [request: string, settlement: Settlement])[]): Promise<void>;
  /** Opens the ledger, once; later calls change nothing. */
  open(account: string, mode: Mode): Promise<void>;
  /** Adds or replaces what is known of a key. */
  putKey(terms: KeyTerms): Promise<void>;
  /** Money from outside, once for each id. A negative amount takes what is asked for, or what is there: never what is held. */
  credit(id: string, kind: CreditKind, amount: number): Promise<Credited>;
  balance(): Promise<Balance>;
  /** A request by its id; undefined where it never began here. */
  find(request: string): Promise<KnownRequest | undefined>;
  /** Entries above `after`, oldest first. */
  entries(after: number, most: number): Promise<readonly Entry[]>;
}
