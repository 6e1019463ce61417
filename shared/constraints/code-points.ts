/**
 * Sets of Unicode scalar values as sorted ranges, and the coarsest partition that tells given sets apart.
 */

/** Sorted, disjoint, non-adjacent ranges: [low, high, low, high, ...], ends included. Never holds a surrogate. */
export type CodePointSet = readonly number[];

export const LAST_CODE_POINT = 0x10ffff;
export const EMPTY_SET: CodePointSet = [];
/** Every scalar value: all code points but the surrogates, which UTF-8 cannot say. */
export const ANY: CodePointSet = [0, 0xd7ff, 0xe000, LAST_CODE_POINT];

/** Sorts and joins ranges, and drops surrogates. */
export function normalise(ranges: readonly (readonly [number, number])[]): CodePointSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  const push = (low: number, high: number) => {
    if (low > high) return;
    const last = out.length - 1;
    if (last > 0 && low <= out[last] + 1) out[last] = Math.max(out[last], high);
    else out.push(low, high);
  };
  for (const [low, high] of sorted) {
    push(low, Math.min(high, 0xd7ff));
    push(Math.max(low, 0xe000), high);
  }
  return out;
}

/** A set of code points from ranges given in any order: `of(0x30, 0x39, 0x41, 0x5a)`. */
export function of(...bounds: number[]): CodePointSet {
  const ranges: [number, number][] = [];
  for (let i = 0; i < bounds.length; i += 2) ranges.push([bounds[i], bounds[i + 1]]);
  return normalise(ranges);
}

/** The set of the characters of a string. */
export function characters(text: string): CodePointSet {
  return normalise([...text].map((c) => [c.codePointAt(0) as number, c.codePointAt(0) as number]));
}

export function union(...sets: readonly CodePointSet[]): CodePointSet {
  const ranges: [number, number][] = [];
  for (const set of sets) for (let i = 0; i < set.length; i += 2) ranges.push([set[i], set[i + 1]]);
  return normalise(ranges);
}

export function complement(set: CodePointSet): CodePointSet {
  const ranges: [number, number][] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i] > next) ranges.push([next, set[i] - 1]);
    next = set[i + 1] + 1;
  }
  if (next <= LAST_CODE_POINT) ranges.push([next, LAST_CODE_POINT]);
  return normalise(ranges);
}

export function intersection(a: CodePointSet, b: CodePointSet): CodePointSet {
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const low = Math.max(a[i], b[j]);
    const high = Math.min(a[i + 1], b[j + 1]);
    if (low <= high) out.push(low, high);
    if (a[i + 1] < b[j + 1]) i += 2;
    else j += 2;
  }
  return out;
}

export function difference(a: CodePointSet, b: CodePointSet): CodePointSet {
  return intersection(a, complement(b));
}

export function contains(set: CodePointSet, codePoint: number): boolean {
  let low = 0;
  let high = set.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (codePoint < set[2 * middle]) high = middle - 1;
    else if (codePoint > set[2 * middle + 1]) low = middle + 1;
    else return true;
  }
  return false;
}

/** A partition of all scalar values into classes: segment i spans starts[i]..starts[i+1]-1 and has class classOf[i], -1 for surrogates. */
export interface Partition {
  readonly starts: readonly number[];
  readonly classOf: readonly number[];
  readonly classes: number;
}

/** Groups segments by key; keys become classes in order of first sight, the key '' stands for surrogates. */
function group(starts: readonly number[], keys: readonly string[]): Partition {
  const ids = new Map<string, number>();
  const outStarts: number[] = [];
  const classOf: number[] = [];
  for (let i = 0; i < starts.length; i++) {
    let id = -1;
    if (keys[i] !== '') {
      const known = ids.get(keys[i]);
      id = known ?? ids.size;
      if (known === undefined) ids.set(keys[i], id);
    }
    if (classOf.length > 0 && classOf[classOf.length - 1] === id) continue;
    outStarts.push(starts[i]);
    classOf.push(id);
  }
  return { starts: outStarts, classOf, classes: ids.size };
}

/** The coarsest partition in which each set is a union of classes, and for each set the classes it holds. */
export function partition(sets: readonly CodePointSet[]): { partition: Partition; members: number[][] } {
  const toggles = new Map<number, number[]>();
  const at = (position: number, set: number) => {
    const list = toggles.get(position);
    if (list === undefined) toggles.set(position, [set]);
    else list.push(set);
  };
  const all = [...sets, ANY];
  all.forEach((set, index) => {
    for (let i = 0; i < set.length; i += 2) {
      at(set[i], index);
      at(set[i + 1] + 1, index);
    }
  });
  const starts = [...toggles.keys()].filter((p) => p <= LAST_CODE_POINT).sort((a, b) => a - b);
  const inside = new Set<number>();
  const keys: string[] = [];
  const holders: number[][] = [];
  for (const start of starts) {
    for (const set of toggles.get(start) ?? []) {
      if (!inside.delete(set)) inside.add(set);
    }
    const held = inside.has(sets.length) ? [...inside].sort((a, b) => a - b) : [];
    holders.push(held);
    keys.push(held.join());
  }
  const result = group(starts, keys);
  const members: number[][] = sets.map(() => []);
  const done = new Set<string>();
  let next = 0;
  for (let i = 0; i < starts.length; i++) {
    if (keys[i] === '' || done.has(keys[i])) continue;
    done.add(keys[i]);
    const id = next++;
    for (const set of holders[i]) if (set < sets.length) members[set].push(id);
  }
  return { partition: result, members };
}

/** The common refinement of two partitions, with the pair of classes behind each of its classes. */
export function refine(a: Partition, b: Partition): { partition: Partition; pairs: [number, number][] } {
  const starts: number[] = [];
  const keys: string[] = [];
  const pairs: [number, number][] = [];
  const known = new Set<string>();
  let i = 0;
  let j = 0;
  let position = 0;
  while (position <= LAST_CODE_POINT) {
    const endA = i + 1 < a.starts.length ? a.starts[i + 1] : LAST_CODE_POINT + 1;
    const endB = j + 1 < b.starts.length ? b.starts[j + 1] : LAST_CODE_POINT + 1;
    const [classA, classB] = [a.classOf[i], b.classOf[j]];
    const key = classA < 0 ? '' : `${classA},${classB}`;
    starts.push(position);
    keys.push(key);
    if (key !== '' && !known.has(key)) {
      known.add(key);
      pairs.push([classA, classB]);
    }
    position = Math.min(endA, endB);
    if (endA === position) i++;
    if (endB === position) j++;
  }
  return { partition: group(starts, keys), pairs };
}

/** The class of one scalar value. */
export function classAt(value: Partition, codePoint: number): number {
  let low = 0;
  let high = value.starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (value.starts[middle] <= codePoint) low = middle;
    else high = middle - 1;
  }
  return value.classOf[low];
}

/** The inside of a class of these characters, in the syntax of regular expressions with flag u. */
export function classSource(set: CodePointSet): string {
  let source = '';
  for (let i = 0; i < set.length; i += 2) source += `\\u{${set[i].toString(16)}}-\\u{${set[i + 1].toString(16)}}`;
  return source;
}
