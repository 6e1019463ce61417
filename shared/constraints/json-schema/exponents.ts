/**
 * Numbers with an exponent, as `JSON.stringify` writes them: from 1e21 up and below 1e-6.
 */
import type { CodePointSet } from '../code-points.ts';
import { comparedDigits } from './digits.ts';
import type { Builder } from './graph.ts';
import { digits, literal, only } from './text.ts';

const ANY = digits(0, 9);

/** 1e+21 to the largest double. All of them are whole: their fraction has at most 17 digits. */
export function hugeNumbers(builder: Builder, integer: boolean, next: number): number {
  const end = oneOf(
    builder,
    [
      [digits(2, 2), digits(1, 9)],
      [digits(3, 9), ANY],
      [digits(1, 2), ANY, ANY],
      [digits(3, 3), digits(0, 0), digits(0, 7)],
    ],
    next,
  );
  const start = mantissa(builder, literal(builder, 'e+', end), integer ? WHOLE_FRACTION : undefined);
  const sizes = { low: { whole: '1', fraction: '' }, high: { whole: '1', fraction: LARGEST }, zero: false, bare: true };
  const top = literal(builder, 'e+308', next);
  builder.fork(start, comparedDigits(builder, sizes, { integer: false, divisor: 1, most: 1 }, top));
  return start;
}

/** The fraction of the largest double, 1.7976931348623157e+308. */
const LARGEST = '7976931348623157';
/** Digits behind the point of a whole number with an exponent; JSON.stringify writes at most 16. */
const WHOLE_FRACTION = 16;

/** 5e-324 to below 1e-6. */
export function tinyNumbers(builder: Builder, next: number): number {
  const end = oneOf(
    builder,
    [
      [digits(7, 9)],
      [digits(1, 9), ANY],
      [digits(1, 2), ANY, ANY],
      [digits(3, 3), digits(0, 1), ANY],
      [digits(3, 3), digits(2, 2), digits(0, 3)],
    ],
    next,
  );
  const start = mantissa(builder, literal(builder, 'e-', end), undefined);
  builder.fork(start, literal(builder, '5e-324', next));
  return start;
}

/** One digit from 1 to 9 and perhaps a fraction (of at most `most` digits). */
function mantissa(builder: Builder, next: number, most: number | undefined): number {
  const [start, whole, point] = [builder.node(), builder.node(), builder.node()];
  builder.read(start, digits(1, 9), whole);
  builder.fork(whole, next);
  builder.read(whole, only('.'), point);
  let node = builder.node();
  builder.read(point, ANY, node);
  builder.fork(node, next);
  if (most === undefined) {
    builder.read(node, ANY, node);
    return start;
  }
  for (let i = 1; i < most; i++) {
    const after = builder.node();
    builder.read(node, ANY, after);
    builder.fork(after, next);
    node = after;
  }
  return start;
}

function oneOf(builder: Builder, spellings: readonly (readonly CodePointSet[])[], next: number): number {
  const start = builder.node();
  for (const sets of spellings) {
    let to = next;
    for (const set of [...sets].reverse()) {
      const node = builder.node();
      builder.read(node, set, to);
      to = node;
    }
    builder.fork(start, to);
  }
  return start;
}
