/**
 * Sets of numbers: an interval of decimals, whole or not, and a divisor.
 *
 * A number is read as the nearest double, and `JSON.stringify` writes the shortest decimal that reads back. Rounding is
 * monotonic, so a text not above the shortest decimal of a bound never reads as more than the bound. An exclusive bound
 * becomes the inclusive bound of the neighbouring double, zero aside, whose neighbours are too small to write.
 */
import { problem } from '../../contract/problem.ts';
import type { Decimal, Facts, NumberSet } from './alternative.ts';
import type { Stated } from './keywords.ts';

/** Largest divisor. */
export const DIVISOR_LIMIT = 1_000;
/** Largest divisor without its factors 2 and 5: so many states for each digit. */
export const REMAINDER_LIMIT = 100;
/** Bounds further out than this, or nearer to zero than its inverse times ten, are not written in plain digits. */
const FAR = 1e21;
const NEAR = 1e-6;

/** The numbers that satisfy all facts; undefined when there are none. */
export function numberSet(facts: Facts, whole: boolean): NumberSet | undefined {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  let lowOpen = false;
  let highOpen = false;
  let divisor = 1;
  let integer = whole;
  for (const fact of facts) if (fact.multipleOf !== undefined) integer = true;
  const raise = (bound: number, open: boolean) => {
    if (bound > low) lowOpen = open;
    else if (bound === low) lowOpen ||= open;
    low = Math.max(low, bound);
  };
  const lower = (bound: number, open: boolean) => {
    if (bound < high) highOpen = open;
    else if (bound === high) highOpen ||= open;
    high = Math.min(high, bound);
  };
  for (const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } of facts) {
    if (minimum !== undefined) raise(integer ? Math.ceil(writable(minimum)) : writable(minimum), false);
    if (maximum !== undefined) lower(integer ? Math.floor(writable(maximum)) : writable(maximum), false);
    if (exclusiveMinimum !== undefined) {
      const bound = writable(exclusiveMinimum, true);
      if (integer) raise(above(Math.floor(bound), exclusiveMinimum), false);
      else if (bound === 0) raise(0, true);
      else raise(neighbour(bound, 1), false);
    }
    if (exclusiveMaximum !== undefined) {
      const bound = writable(exclusiveMaximum, true);
      if (integer) lower(-above(Math.floor(-bound), exclusiveMaximum), false);
      else if (bound === 0) lower(0, true);
      else lower(neighbour(bound, -1), false);
    }
    if (multipleOf !== undefined) divisor = leastCommonMultiple(divisor, divisorOf(multipleOf), multipleOf);
  }
  if (low > high || (low === high && (lowOpen || highOpen))) return undefined;
  // Math.ceil(-0.5) is -0.
  return { integer, low: low + 0, high: high + 0, lowOpen, highOpen, divisor };
}

function writable({ value, pointer }: Stated<number>, exclusive = false): number {
  const size = Math.abs(value);
  if (size === 0 || (size >= NEAR && size < FAR && !(exclusive && size === NEAR))) return value;
  throw problem(
    'unsupported_constraint',
    `The bound ${value} at ${pointer} is not supported: bounds are 0, or from ${NEAR} to below ${FAR} in size.`,
    { pointer },
  );
}

/** The next whole number, where doubles still tell it apart. */
function above(value: number, { pointer }: Stated<number>): number {
  if (Math.abs(value) < Number.MAX_SAFE_INTEGER) return value + 1;
  const detail = `The exclusive bound at ${pointer} is not supported: whole numbers of that size run together; use an inclusive one.`;
  throw problem('unsupported_constraint', detail, { pointer });
}

function divisorOf({ value, pointer }: Stated<number>): number {
  let rest = value;
  while (rest >= 2 && rest % 2 === 0) rest /= 2;
  while (rest >= 5 && rest % 5 === 0) rest /= 5;
  if (Number.isInteger(value) && value <= DIVISOR_LIMIT && rest <= REMAINDER_LIMIT) return value;
  throw problem(
    'unsupported_constraint',
    `The divisor ${value} at ${pointer} is not supported: multipleOf takes whole numbers from 1 to ${DIVISOR_LIMIT} that are at most ${REMAINDER_LIMIT} without their factors 2 and 5. For decimals, use a string with a pattern, or an integer of the smallest unit.`,
    { pointer },
  );
}

function leastCommonMultiple(a: number, b: number, { pointer }: Stated<number>): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return divisorOf({ value: (a / x) * b, pointer });
}

/** The next double in a direction; not for zero. */
function neighbour(value: number, direction: 1 | -1): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 === direction > 0 ? 1n : -1n));
  return view.getFloat64(0);
}

/** The shortest decimal of a bound's size. */
export function decimalOf(size: number): Decimal {
  const match = /^(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(size.toExponential());
  if (match === null) throw new RangeError(`${size} has no decimal`);
  const digits = `${match[1]}${match[2] ?? ''}`;
  const point = Number(match[3]) + 1;
  if (point <= 0) return { whole: '0', fraction: trimmed(`${'0'.repeat(-point)}${digits}`) };
  return { whole: digits.slice(0, point).padEnd(point, '0'), fraction: trimmed(digits.slice(point)) };
}

function trimmed(fraction: string): string {
  return fraction.replace(/0+$/, '');
}
