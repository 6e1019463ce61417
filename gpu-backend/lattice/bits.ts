/**
 * Sets of ruler values as runs of 32-bit words: union, and "which values reach this set by adding d".
 */

export const wordsFor = (values: number): number => (values + 31) >>> 5;

export function hasBit(words: Uint32Array, offset: number, value: number): boolean {
  return ((words[offset + (value >>> 5)] >>> (value & 31)) & 1) === 1;
}

function setBit(words: Uint32Array, offset: number, value: number): void {
  words[offset + (value >>> 5)] |= 1 << (value & 31);
}

/** Sets the bits min..max. */
export function setRange(words: Uint32Array, offset: number, min: number, max: number): void {
  for (let value = min; value <= max; ) {
    if ((value & 31) === 0 && value + 31 <= max) {
      words[offset + (value >>> 5)] = 0xffffffff;
      value += 32;
    } else {
      setBit(words, offset, value++);
    }
  }
}

/** How sets move along one edge, for values 0..top. */
export interface ShiftRule {
  readonly min: number;
  readonly max: number;
  readonly add: number;
  /** True: values past `top` stay at `top`. */
  readonly saturates: boolean;
  readonly top: number;
}

/**
 * into |= { c : min <= c <= max and c + add in source }, where c + add stops at `top` when saturating.
 * Both sets have `count` words; bits above `top` are never set in a source.
 */
export function orShiftedDown(
  into: Uint32Array,
  intoOffset: number,
  source: Uint32Array,
  sourceOffset: number,
  count: number,
  rule: ShiftRule,
): void {
  const { min, max, add, saturates, top } = rule;
  const skip = add >>> 5;
  const bits = add & 31;
  const free = min === 0 && max >= top - (saturates ? 0 : add);
  const firstWord = min >>> 5;
  const lastWord = Math.min(count - 1, max >>> 5);
  const tail = saturates && add > 0 && hasBit(source, sourceOffset, top);
  for (let w = free ? 0 : firstWord; w <= (free ? count - 1 : lastWord); w++) {
    const at = w + skip;
    let word = at < count ? source[sourceOffset + at] >>> bits : 0;
    if (bits > 0 && at + 1 < count) word |= source[sourceOffset + at + 1] << (32 - bits);
    if (!free) {
      if (w === firstWord) word &= -1 << (min & 31);
      if (w === max >>> 5 && (max & 31) < 31) word &= (1 << ((max & 31) + 1)) - 1;
    }
    into[intoOffset + w] |= word;
  }
  // Everything from top - add upwards lands on top.
  if (tail) setRange(into, intoOffset, Math.max(min, top - add, 0), Math.min(max, top));
}
