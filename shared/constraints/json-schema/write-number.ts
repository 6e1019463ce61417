/**
 * Numbers as JSON writes them, within bounds: an automaton that compares digit by digit with the decimals of the bounds.
 *
 * Written: plain decimals (whole part of at most 21 digits), and with `type: number` the exponents `JSON.stringify` uses
 * (from 1e21 and below 1e-6) where the bounds leave all of them in. Not written: -0, other spellings with an exponent.
 */
import type { Decimal, NumberSet } from './alternative.ts';
import { comparedDigits, fractionDigits, type Sizes, upTo, WHOLE_DIGITS } from './digits.ts';
import { hugeNumbers, tinyNumbers } from './exponents.ts';
import type { Builder, Effect } from './graph.ts';
import { decimalOf } from './number-set.ts';
import { digits, only } from './text.ts';

/** Whole digits up to which every whole number is a double of its own: multiples are decided on digits. */
const EXACT_DIGITS = 15;

const ZERO: Decimal = { whole: '0', fraction: '' };
const ONE: Decimal = { whole: '1', fraction: '' };

/** Writes the numbers of a set, then goes on at `next`; returns where they begin. */
export function writeNumber(builder: Builder, set: NumberSet, next: number): number {
  const { integer, low, high, lowOpen, highOpen, divisor } = set;
  const bounded = low !== Number.NEGATIVE_INFINITY || high !== Number.POSITIVE_INFINITY;
  if (!bounded && divisor === 1) return anyNumber(builder, integer, next);
  const start = builder.node();
  if (!bounded) {
    // Both signs share their digits.
    const sizes: Sizes = { low: ONE, high: undefined, zero: true, bare: true };
    const multiples = writeMultiples(builder, sizes, divisor, next);
    builder.fork(start, multiples);
    builder.read(start, only('-'), multiples);
    builder.read(start, only('0'), next);
    return start;
  }
  if (high > 0 || (high === 0 && !highOpen)) {
    const most = high === Number.POSITIVE_INFINITY ? undefined : decimalOf(high);
    const sizes: Sizes = {
      low: low > 0 ? decimalOf(low) : ZERO,
      high: most,
      zero: !(low === 0 && lowOpen),
      bare: true,
    };
    builder.fork(start, writeSizes(builder, set, sizes, next));
  }
  if (low < 0) {
    const least = high < 0 ? decimalOf(-high) : integer ? ONE : ZERO;
    const most = low === Number.NEGATIVE_INFINITY ? undefined : decimalOf(-low);
    const sizes: Sizes = { low: least, high: most, zero: high > 0 || !highOpen, bare: false };
    builder.read(start, only('-'), writeSizes(builder, set, sizes, next));
  }
  return start;
}

/** Numbers without bounds: both signs share their digits. */
function anyNumber(builder: Builder, integer: boolean, next: number): number {
  const [start, negative, zero] = [builder.node(), builder.node(), builder.node()];
  const after = integer ? next : builder.node();
  const positive = builder.node();
  builder.read(positive, digits(1, 9), upTo(builder, WHOLE_DIGITS - 1, 1, after));
  builder.fork(start, positive);
  builder.fork(negative, positive);
  builder.read(start, only('-'), negative);
  builder.read(start, only('0'), zero);
  builder.fork(zero, next);
  if (integer) return start;
  const point = builder.node();
  builder.read(point, only('.'), fractionDigits(builder, next));
  builder.fork(after, next);
  builder.fork(after, point);
  builder.fork(zero, point);
  builder.read(negative, only('0'), point);
  builder.fork(positive, tinyNumbers(builder, next));
  builder.fork(positive, hugeNumbers(builder, next));
  return start;
}

function writeSizes(builder: Builder, set: NumberSet, sizes: Sizes, next: number): number {
  const { integer, divisor } = set;
  const most = divisor > 1 ? EXACT_DIGITS : WHOLE_DIGITS;
  const start = builder.node();
  builder.fork(start, comparedDigits(builder, sizes, { integer, divisor, most }, next));
  if (integer) return start;
  if (sizes.high === undefined) builder.fork(start, hugeNumbers(builder, next));
  const tiny = sizes.low.whole === '0' && sizes.low.fraction === '';
  const room = sizes.high === undefined || sizes.high.whole !== '0' || /^0{0,5}[1-9]/.test(sizes.high.fraction);
  if (tiny && room) builder.fork(start, tinyNumbers(builder, next));
  return start;
}

/** Multiples: compared with the bounds digit by digit; from one digit more than the bound has, only the remainder counts. */
function writeMultiples(builder: Builder, { low, high, ...rest }: Sizes, divisor: number, next: number): number {
  const length = low.whole.length;
  const most = high ?? { whole: '9'.repeat(length), fraction: '' };
  const digitsOf = { integer: true, divisor, most: EXACT_DIGITS };
  const start = comparedDigits(builder, { low, high: most, ...rest }, digitsOf, next);
  if (high !== undefined || length >= EXACT_DIGITS) return start;
  const longer = remainders(builder, divisor, length + 1, next);
  // The digits that the bound has too, and one more.
  let row = Array.from({ length: divisor }, () => builder.node());
  for (let digit = 1; digit <= 9; digit++) builder.read(start, digits(digit, digit), row[digit % divisor]);
  for (let at = 1; at <= length; at++) {
    const after = at === length ? longer : Array.from({ length: divisor }, () => builder.node());
    connect(builder, row, after);
    row = after;
  }
  return start;
}

/** A node for each remainder of the digits so far, `before` of them and any more. */
function remainders(builder: Builder, divisor: number, before: number, next: number): number[] {
  const most = EXACT_DIGITS - before;
  if (most === 0) return Array.from({ length: divisor }, (_, rest) => (rest === 0 ? next : builder.node()));
  const counter = builder.counter(`digits behind ${before}`, most, false);
  return builder.within([counter], () => {
    const nodes = Array.from({ length: divisor }, () => builder.node());
    connect(builder, nodes, nodes, {
      guards: [{ counter, min: 0, max: most - 1 }],
      updates: [{ counter, operation: 'add', value: 1 }],
    });
    builder.fork(nodes[0], next);
    return nodes;
  });
}

/** One digit more, from each remainder. */
function connect(builder: Builder, from: readonly number[], to: readonly number[], effect?: Effect): void {
  from.forEach((node, remainder) => {
    for (let digit = 0; digit <= 9; digit++) {
      builder.read(node, digits(digit, digit), to[(remainder * 10 + digit) % from.length], effect);
    }
  });
}
