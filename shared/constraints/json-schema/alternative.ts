/**
 * A set of JSON values of one type (or one value), with the keywords it came from.
 */
import type { Place } from './document.ts';
import type { Keywords, Stated } from './keywords.ts';

/** Keywords that hold of one value all together. */
export type Facts = readonly Keywords[];

export type Alternative =
  | { readonly kind: 'constant'; readonly value: unknown; readonly facts: Facts }
  | { readonly kind: 'null' | 'boolean'; readonly facts: Facts }
  | ({ readonly kind: 'number'; readonly facts: Facts } & NumberSet)
  | ({ readonly kind: 'string'; readonly facts: Facts } & StringSet)
  | ({ readonly kind: 'array'; readonly facts: Facts } & ArraySet)
  | ({ readonly kind: 'object'; readonly facts: Facts } & ObjectSet);

/** A bound as a decimal without sign: its whole digits, and its fraction without zeros behind. */
export interface Decimal {
  readonly whole: string;
  readonly fraction: string;
}

export interface NumberSet {
  readonly integer: boolean;
  readonly low: number;
  readonly high: number;
  /** The bound is zero and zero is not in the set. */
  readonly lowOpen: boolean;
  readonly highOpen: boolean;
  /** A divisor of every value, 1 for none. With a divisor, values stay within 15 digits: there doubles are exact. */
  readonly divisor: number;
}

export interface StringSet {
  readonly minLength: number;
  readonly maxLength: number;
  /** Each must be found somewhere in the string. */
  readonly patterns: readonly Stated<string>[];
  readonly formats: readonly Stated<string>[];
}

export interface ArraySet {
  readonly min: number;
  readonly max: number;
  /** Items from this one on all follow the same schemas. */
  readonly prefix: number;
  item(index: number): readonly Place[];
  /** So many items must be of this schema too. */
  readonly contains?: { readonly place: Place; readonly min: number };
}

export interface Key {
  readonly name: string;
  readonly required: boolean;
  readonly places: readonly Place[];
}

export interface ObjectSet {
  /** In the order they are written. */
  readonly keys: readonly Key[];
  readonly min: number;
  readonly max: number;
}
