/**
 * Numbers as JSON writes them, within bounds: an automaton that compares digit by digit with the decimals of the bounds.
 *
 * Written: plain decimals (whole part of at most 21 digits), and the exponents `JSON.stringify` uses (from 1e21 and below
 * 1e-6), where the bounds leave all of them in. Not written: -0, and other spellings with an exponent.
 */
import type { Decimal, NumberSet } from './alternative.ts';
import { comparedDigits, fractionDigits, type Sizes, upTo, WHOLE_DIGITS } from './digits.ts';
import { hugeNumbers, tinyNumbers } from './exponents.ts';
import type { Builder } from './graph.ts';
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
  builder.read(positive, digits(1, 9), upTo(builder, WHOLE_DIGITS - 1, after));
  builder.fork(positive, hugeNumbers(builder, integer, next));
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
  return start;
}

function writeSizes(builder: Builder, set: NumberSet, sizes: Sizes, next: number): number {
  const { integer, divisor } = set;
  const most = divisor > 1 ? EXACT_DIGITS : WHOLE_DIGITS;
  const start = builder.node();
  builder.fork(start, comparedDigits(builder, sizes, { integer, divisor, most }, next));
  if (divisor > 1) return start;
  if (sizes.high === undefined) builder.fork(start, hugeNumbers(builder, integer, next));
  const tiny = sizes.low.whole === '0' && sizes.low.fraction === '';
  const room = sizes.high === undefined || sizes.high.whole !== '0' || /^0{0,5}[1-9]/.test(sizes.high.fraction);
  if (!integer && tiny && room) builder.fork(start, tinyNumbers(builder, next));
  return start;
}
