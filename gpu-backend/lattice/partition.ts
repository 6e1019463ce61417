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

/**
 * Splits blocks of tokens in place: listed tokens stay together when both their block and their label agree. The table of
 * (block, label) is open-addressed and stamped, not cleared: a tenth of the time of a Map (measured).
 */
function createSplit(block: Int32Array): (listed: readonly number[], labels: ArrayLike<number>) => void {
  const capacity = 2 ** Math.ceil(Math.log2(2 * block.length + 2));
  const [blockAt, labelAt, freshAt, stampAt] = Array.from({ length: 4 }, () => new Int32Array(capacity));
  let blocks = 1;
  let stamp = 0;
  return (listed, labels) => {
    stamp++;
    for (let i = 0; i < listed.length; i++) {
      const token = listed[i];
      const label = labels[i];
      let slot = (Math.imul(block[token], 0x9e3779b1) ^ Math.imul(label, 0x85ebca6b)) >>> 0;
      for (slot = (slot ^ (slot >>> 15)) & (capacity - 1); ; slot = (slot + 1) & (capacity - 1)) {
        if (stampAt[slot] !== stamp) {
          stampAt[slot] = stamp;
          blockAt[slot] = block[token];
          labelAt[slot] = label;
          freshAt[slot] = blocks++;
          break;
        }
        if (blockAt[slot] === block[token] && labelAt[slot] === label) break;
      }
      block[token] = freshAt[slot];
    }
  };
}

/** Partition refinement: two tokens share a class when every core treats them alike. */
export function refine(
  size: number,
  outcomes: readonly CoreOutcomes[],
  distinguish: Uint8Array | undefined,
): Partition {
  const block = new Int32Array(size);
  const split = createSplit(block);
  for (const { tokens, sets } of outcomes) split(tokens, sets);
  const alive = new Uint8Array(size);
  for (const { tokens, sets } of outcomes) {
    for (let i = 0; i < tokens.length; i++) if (sets[i] > 0) alive[tokens[i]] = 1;
  }
  if (distinguish !== undefined) split([...alive.keys()], distinguish);
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
