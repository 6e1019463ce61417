/**
 * Unsigned decimals between two bounds, digit by digit.
 *
 * While the digits so far are those of a bound, the next one is compared with it; from the first difference on anything
 * goes. Multiples are decided along the way on what the digits so far are worth, modulo the divisor.
 */
import type { Decimal } from './alternative.ts';
import type { Builder } from './graph.ts';
import { digits, only } from './text.ts';

/** Digits of the whole part up to which `JSON.stringify` writes no exponent. */
export const WHOLE_DIGITS = 21;
/** Zeros behind the point before the first other digit, where zero itself is not one of the sizes. */
const LEADING_ZEROS = 22;

/** Sizes from low to high. */
export interface Sizes {
  readonly low: Decimal;
  /** Undefined: no upper bound. */
  readonly high: Decimal | undefined;
  /** Zero is one of them; looked at only where low is zero. */
  readonly zero: boolean;
  /** Zero may be written without a fraction. */
  readonly bare: boolean;
}

export interface Digits {
  readonly integer: boolean;
  /** 1 for none; only with `integer`. */
  readonly divisor: number;
  /** Most digits of the whole part. */
  readonly most: number;
}

/** Digits up to which no counter is worth its while. */
const FEW = 4;

/** Up to `most` digits, behind the first `before` of the whole part: how many there are is counted. */
export function upTo(builder: Builder, most: number, before: number, next: number): number {
  if (most > FEW) {
    const counter = builder.counter(`digits behind ${before}`, most, false);
    const effect = {
      guards: [{ counter, min: 0, max: most - 1 }],
      updates: [{ counter, operation: 'add', value: 1 }],
    } as const;
    return builder.within([counter], () => {
      const node = builder.node();
      builder.read(node, digits(0, 9), node, effect);
      builder.fork(node, next);
      return node;
    });
  }
  let node = next;
  for (let i = 0; i < most; i++) {
    const longer = builder.node();
    builder.fork(longer, next);
    builder.read(longer, digits(0, 9), node);
    node = longer;
  }
  return node;
}

/** One digit or more. */
export function fractionDigits(builder: Builder, next: number): number {
  const [start, more] = [builder.node(), builder.node()];
  builder.read(start, digits(0, 9), more);
  builder.read(more, digits(0, 9), more);
  builder.fork(more, next);
  return start;
}

/** Plain decimals of the given sizes. */
export function comparedDigits(
  builder: Builder,
  sizes: Sizes,
  { integer, divisor, most }: Digits,
  next: number,
): number {
  const { low, high, zero, bare } = sizes;
  const nothing = builder.node();
  const fraction = integer ? undefined : fractions(builder, sizes, next);
  /** Behind the whole part: `tl` and `th` say that it is the one of the low or the high bound. */
  const ends = new Map<string, number>();
  const end = (tl: boolean, th: boolean, worth: number): number => {
    if (fraction === undefined) return worth === 0 ? next : nothing;
    const key = `${tl}${th}`;
    let node = ends.get(key);
    if (node === undefined) {
      node = builder.node();
      ends.set(key, node);
      const isZero = tl && low.whole === '0';
      const fits = !tl || (low.fraction === '' && !(isZero && !(zero && bare)));
      if (fits) builder.fork(node, next);
      builder.read(node, only('.'), fraction(0, tl && (low.fraction !== '' || (isZero && !zero)), th));
    }
    return node;
  };
  const known = new Map<string, number>();
  /** The digits from `at` on of a whole part of `length` digits; `worth`: of the digits so far, in place. */
  const whole = (at: number, length: number, tl: boolean, th: boolean, worth: number): number => {
    if (at === length) return end(tl, th, worth);
    const leading = at === 0 && length > 1;
    const key = `${length - at} ${leading} ${tl} ${th} ${worth}`;
    let node = known.get(key);
    if (node !== undefined) return node;
    node = builder.node();
    known.set(key, node);
    const least = Math.max(leading ? 1 : 0, tl ? Number(low.whole[at]) : 0);
    const last = th && high !== undefined ? Number(high.whole[at]) : 9;
    const place = divisor === 1 ? 0 : powerOfTen(length - at - 1, divisor);
    let run = least;
    let to = -1;
    for (let digit = least; digit <= last + 1; digit++) {
      const after =
        digit > last
          ? -1
          : whole(
              at + 1,
              length,
              tl && digit === Number(low.whole[at]),
              th && digit === Number(high?.whole[at]),
              (worth + digit * place) % divisor,
            );
      if (after === to) continue;
      if (to >= 0) builder.read(node, digits(run, digit - 1), to);
      run = digit;
      to = after;
    }
    return node;
  };
  const start = builder.node();
  const shortest = low.whole.length;
  const longest = high?.whole.length ?? most + 1;
  const lengths = divisor === 1 ? [shortest, longest] : Array.from({ length: most }, (_, i) => i + 1);
  for (const length of new Set(lengths)) {
    if (length < shortest || length > longest || length > most) continue;
    builder.fork(start, whole(0, length, length === shortest, high !== undefined && length === longest, 0));
  }
  if (divisor === 1 && longest - shortest > 1) {
    // Lengths between those of the bounds: any digits.
    const free = end(false, false, 0);
    let node = upTo(builder, Math.min(longest - 1, most) - shortest - 1, shortest + 1, free);
    for (let i = 0; i < shortest; i++) {
      const before = builder.node();
      builder.read(before, digits(0, 9), node);
      node = before;
    }
    builder.read(start, digits(1, 9), node);
  }
  return start;
}

function powerOfTen(exponent: number, modulus: number): number {
  let power = 1 % modulus;
  for (let i = 0; i < exponent; i++) power = (power * 10) % modulus;
  return power;
}

type Fraction = (at: number, tl: boolean, th: boolean) => number;

/** The digits from `at` on behind the point, while they are those of the low (`tl`) or the high (`th`) bound. */
function fractions(builder: Builder, { low, high, zero }: Sizes, next: number): Fraction {
  const known = new Map<string, number>();
  const nonzero = low.whole === '0' && low.fraction === '' && !zero;
  const lowDigits = nonzero ? '0'.repeat(LEADING_ZEROS) : low.fraction;
  const highDigits = high?.fraction ?? '';
  const read: Fraction = (at, tl, th) => {
    const key = tl || th ? `${at} ${tl} ${th}` : 'free';
    let node = known.get(key);
    if (node !== undefined) return node;
    node = builder.node();
    known.set(key, node);
    // Behind the digits of the high bound only zeros could follow; JSON.stringify writes none.
    if (th && at >= highDigits.length) return node;
    const floor = tl ? Number(lowDigits[at]) : 0;
    const ceiling = th ? Number(highDigits[at]) : 9;
    for (const digit of new Set([floor, ceiling])) {
      if (digit < floor || digit > ceiling) continue;
      builder.read(node, digits(digit, digit), behind(at + 1, tl && digit === floor, th && digit === ceiling));
    }
    if (ceiling - floor > 1) builder.read(node, digits(floor + 1, ceiling - 1), behind(at + 1, false, false));
    return node;
  };
  /** Behind a digit: the number may end where it is no longer below the low bound. */
  const behind: Fraction = (at, tl, th) => {
    const below = tl && (at < lowDigits.length || nonzero);
    const key = `behind ${below || th ? at : ''} ${below} ${th}`;
    let node = known.get(key);
    if (node !== undefined) return node;
    node = builder.node();
    known.set(key, node);
    if (!below) builder.fork(node, next);
    if (!(below && at >= lowDigits.length)) builder.fork(node, read(at, below, th));
    return node;
  };
  return read;
}
