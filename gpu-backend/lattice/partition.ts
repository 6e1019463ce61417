/**
 * Classes of tokens: partition refinement by what each token does from each state, and sets of classes shared by many edges.
 */

/** What tokens do from one state: the tokens listed, and for all others what they do from `like` (-1: they are dead). */
export interface CoreOutcomes {
  readonly like: number;
  readonly tokens: readonly number[];
  /** Set of (target, effect) pairs by number; 0 is dead. */
  readonly sets: readonly number[];
}

export interface Partition {
  readonly classOf: Int32Array;
  readonly classes: number;
  readonly classStart: Int32Array;
  readonly classTokens: Int32Array;
}

/** Partition refinement: two tokens share a class when every core treats them alike. */
export function refine(
  size: number,
  outcomes: readonly CoreOutcomes[],
  distinguish: Uint8Array | undefined,
): Partition {
  const block = new Int32Array(size);
  let blocks = 1;
  const split = (listed: Iterable<number>, label: (index: number) => number) => {
    const fresh = new Map<number, number>();
    let index = 0;
    for (const token of listed) {
      const key = block[token] * 4_194_304 + label(index++);
      let target = fresh.get(key);
      if (target === undefined) {
        target = blocks++;
        fresh.set(key, target);
      }
      block[token] = target;
    }
  };
  for (const { tokens, sets } of outcomes) split(tokens, (index) => sets[index]);
  const alive = new Uint8Array(size);
  for (const { tokens, sets } of outcomes) {
    for (let i = 0; i < tokens.length; i++) if (sets[i] > 0) alive[tokens[i]] = 1;
  }
  if (distinguish !== undefined) split(alive.keys(), (token) => distinguish[token]);
  const numbering = new Map<number, number>();
  const classOf = new Int32Array(size);
  for (let token = 0; token < size; token++) {
    if (!alive[token]) continue;
    let number = numbering.get(block[token]);
    if (number === undefined) {
      number = numbering.size + 1;
      numbering.set(block[token], number);
    }
    classOf[token] = number;
  }
  const classes = numbering.size + 1;
  const classStart = new Int32Array(classes + 1);
  for (const k of classOf) classStart[k + 1]++;
  for (let k = 0; k < classes; k++) classStart[k + 1] += classStart[k];
  const next = classStart.slice();
  const classTokens = new Int32Array(size);
  for (let token = 0; token < size; token++) classTokens[next[classOf[token]]++] = token;
  return { classOf, classes, classStart, classTokens };
}

/** Numbers equal lists of classes alike. */
export function shareSets(groupClasses: readonly (readonly number[])[]) {
  const numbering = new Map<string, number>();
  const lists: (readonly number[])[] = [];
  const groupSet = Int32Array.from(groupClasses, (list) => {
    const key = list.join(',');
    let set = numbering.get(key);
    if (set === undefined) {
      set = lists.length;
      numbering.set(key, set);
      lists.push(list);
    }
    return set;
  });
  const setStart = new Int32Array(lists.length + 1);
  lists.forEach((list, set) => {
    setStart[set + 1] = setStart[set] + list.length;
  });
  return { groupSet, sets: lists.length, setStart, setClasses: Int32Array.from(lists.flat()) };
}
