/**
 * Numbers with an exponent, as `JSON.stringify` writes them: from 1e21 up and below 1e-6.
 */
import type { CodePointSet } from '../code-points.ts';
import { comparedDigits } from './digits.ts';
import type { Builder } from './graph.ts';
import { digits, literal, only } from './text.ts';

const ANY = digits(0, 9);

/** 1e+21 to below 1.7e+308 (doubles end at 1.8e+308). */
export function hugeNumbers(builder: Builder, next: number): number {
  const exponents = [
    [digits(2, 2), digits(1, 9)],
    [digits(3, 9), ANY],
    [digits(1, 2), ANY, ANY],
    [digits(3, 3), digits(0, 0), digits(0, 7)],
  ];
  const start = mantissa(builder, literal(builder, 'e+', oneOf(builder, exponents, next)));
  const top = literal(builder, 'e+308', next);
  const sizes = { low: { whole: '1', fraction: '' }, high: { whole: '1', fraction: '69' }, zero: false, bare: true };
  builder.fork(start, comparedDigits(builder, sizes, { integer: false, divisor: 1, most: 1 }, top));
  return start;
}

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
  const start = mantissa(builder, literal(builder, 'e-', end));
  builder.fork(start, literal(builder, '5e-324', next));
  return start;
}

/** One digit from 1 to 9 and perhaps a fraction. */
function mantissa(builder: Builder, next: number): number {
  const [start, whole, point, more] = [builder.node(), builder.node(), builder.node(), builder.node()];
  builder.read(start, digits(1, 9), whole);
  builder.fork(whole, next);
  builder.read(whole, only('.'), point);
  builder.read(point, ANY, more);
  builder.read(more, ANY, more);
  builder.fork(more, next);
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
