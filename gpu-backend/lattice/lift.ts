/**
 * Lifts a byte machine to tokens: what each token of a vocabulary does from each state, and the classes of tokens that do
 * the same from every state. 8,192 tokens become a few dozen classes, and everything after this works on classes.
 *
 * A token is walked through the vocabulary's trie once per state (Koo et al. 2024, arXiv 2407.08103; llguidance's toktrie).
 * States that differ from an earlier one by few byte classes, as in the middle of a phrase, re-walk only those branches.
 */
import { createEffects, type EffectTable } from './effect.ts';
import type { PairMachine } from './pair.ts';
import { type CoreOutcomes, type Partition, refine, shareSets } from './partition.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A token automaton with counters, by classes of tokens. Cores are machine states, in the order they were found. */
export interface Lift {
  readonly machine: PairMachine;
  readonly effects: EffectTable;
  readonly cores: number;
  /** Machine state of each core. */
  readonly coreStates: readonly number[];
  /** Class of each token; class 0 holds the tokens that no state allows. */
  readonly classOf: Int32Array;
  readonly classes: number;
  /** Tokens of class k: classTokens[classStart[k] .. classStart[k + 1]), ascending. */
  readonly classStart: Int32Array;
  readonly classTokens: Int32Array;
  /** Groups of core q: groupStart[q] .. groupStart[q + 1]. A group is all classes with one target and one effect. */
  readonly groupStart: Int32Array;
  readonly groupTo: Int32Array;
  readonly groupEffect: Int32Array;
  /** Set of classes of each group. Most groups share theirs with others, so weights are summed once per set. */
  readonly groupSet: Int32Array;
  readonly sets: number;
  /** Classes of set s: setClasses[setStart[s] .. setStart[s + 1]), ascending. */
  readonly setStart: Int32Array;
  readonly setClasses: Int32Array;
}

/** Most earlier states compared with a new one in search of a similar one. */
const LIKE_CANDIDATES = 6;
/** Most (state, token) pairs walked for one constraint: about half a second of work. */
const WALK_LIMIT = 40_000_000;

/**
 * Lifts every state that tokens can reach from `entries`. `distinguish` refines the classes (tokens with different values
 * never share one). Throws RangeError when the walk is larger than the limit.
 */
export function lift(
  machine: PairMachine,
  vocabulary: Vocabulary,
  entries: readonly number[],
  distinguish?: Uint8Array,
): Lift {
  const effects = createEffects(machine.counters);
  const pairs = internPairs();
  const coreOfState = new Map<number, number>();
  const states: number[] = [];
  const outcomes: CoreOutcomes[] = [];
  const coreOf = (state: number): number => {
    let core = coreOfState.get(state);
    if (core === undefined) {
      core = states.length;
      coreOfState.set(state, core);
      states.push(state);
    }
    return core;
  };
  for (const entry of entries) coreOf(entry);
  const walker = createWalker(machine, vocabulary, effects, pairs, coreOf);
  for (let core = 0; core < states.length; core++) outcomes.push(walker.outcomes(core, states, outcomes));
  const partition = refine(vocabulary.size, outcomes, distinguish);
  return { machine, effects, ...partition, ...group(states, outcomes, partition, pairs) };
}

interface PairSets {
  /** Number of the one-element set {(core, effect)}. */
  single(core: number, effect: number): number;
  /** Number of the union of two sets. */
  union(a: number, b: number): number;
  members(set: number): readonly { readonly to: number; readonly effect: number }[];
}

function internPairs(): PairSets {
  const members: { to: number; effect: number }[][] = [[]];
  const singles = new Map<number, number>();
  const unions = new Map<string, number>();
  return {
    single(to, effect) {
      const key = to * 65_536 + effect;
      let set = singles.get(key);
      if (set === undefined) {
        set = members.length;
        members.push([{ to, effect }]);
        singles.set(key, set);
      }
      return set;
    },
    union(a, b) {
      if (a === 0 || a === b) return b;
      const key = a < b ? `${a},${b}` : `${b},${a}`;
      let set = unions.get(key);
      if (set === undefined) {
        set = members.length;
        members.push([...members[a], ...members[b]]);
        unions.set(key, set);
      }
      return set;
    },
    members: (set) => members[set],
  };
}

function createWalker(
  machine: PairMachine,
  vocabulary: Vocabulary,
  effects: EffectTable,
  pairs: PairSets,
  coreOf: (state: number) => number,
) {
  const { nodeByte, nodeEnd, tokenStart, tokens } = vocabulary;
  const { byteClass } = machine;
  const found = new Int32Array(vocabulary.size);
  let listed: number[] = [];
  let walked = 0;

  const walk = (node: number, state: number, effect: number): void => {
    if (++walked > WALK_LIMIT) throw new RangeError('the constraint is too large to lift to tokens');
    const first = tokenStart[node];
    const last = tokenStart[node + 1];
    if (first < last) {
      const set = pairs.single(coreOf(state), effect);
      for (let i = first; i < last; i++) {
        const token = tokens[i];
        if (found[token] === 0) listed.push(token);
        found[token] = pairs.union(found[token], set);
      }
    }
    const end = nodeEnd[node];
    for (let child = node + 1; child < end; child = nodeEnd[child]) {
      const transition = machine.transition(state, byteClass[nodeByte[child]]);
      if (transition === 0) continue;
      for (const { number, arc } of machine.arcs(transition)) {
        const next = effects.compose(effect, number, arc);
        if (next >= 0) walk(child, arc.to, next);
      }
    }
  };

  /** All tokens below a node, so that dead ones are listed too. */
  const subtreeTokens = (node: number, into: number[]): void => {
    for (let i = tokenStart[node]; i < tokenStart[nodeEnd[node]]; i++) into.push(tokens[i]);
  };

  return {
    outcomes(core: number, states: readonly number[], earlier: readonly CoreOutcomes[]): CoreOutcomes {
      const state = states[core];
      const like = mostAlike(machine, states, core, earlier);
      listed = [];
      const covered: number[] = [];
      for (let child = 1; child < nodeEnd[0]; child = nodeEnd[child]) {
        const joint = byteClass[nodeByte[child]];
        const transition = machine.transition(state, joint);
        if (like >= 0) {
          if (transition === machine.transition(states[like], joint)) continue;
          subtreeTokens(child, covered);
        }
        for (const { number, arc } of machine.arcs(transition)) {
          const next = effects.compose(0, number, arc);
          if (next >= 0) walk(child, arc.to, next);
        }
      }
      const shown = like >= 0 ? covered : listed.sort((a, b) => a - b);
      const sets = shown.map((token) => found[token]);
      for (const token of listed) found[token] = 0;
      return { like, tokens: shown, sets };
    },
  };
}

/** The earlier core whose transitions agree with those of `core` on most byte classes, or -1 when none is close. */
function mostAlike(
  machine: PairMachine,
  states: readonly number[],
  core: number,
  earlier: readonly CoreOutcomes[],
): number {
  let best = -1;
  let fewest = machine.classes * 0.5;
  let tried = 0;
  for (let other = 0; other < earlier.length && tried < LIKE_CANDIDATES; other++) {
    if (earlier[other].like >= 0 || earlier[other].tokens.length === 0) continue;
    tried++;
    let differing = 0;
    for (let joint = 0; joint < machine.classes; joint++) {
      if (machine.transition(states[core], joint) !== machine.transition(states[other], joint)) differing++;
    }
    if (differing < fewest) {
      fewest = differing;
      best = other;
    }
  }
  return best;
}

/** Groups each core's classes by target and effect. */
function group(states: readonly number[], outcomes: readonly CoreOutcomes[], partition: Partition, pairs: PairSets) {
  const { classOf, classes } = partition;
  const groupStart = new Int32Array(states.length + 1);
  const groupTo: number[] = [];
  const groupEffect: number[] = [];
  const groupClasses: number[][] = [];
  const perCore: Int32Array[] = [];
  for (let core = 0; core < states.length; core++) {
    const { like, tokens, sets } = outcomes[core];
    const setOf = like >= 0 ? perCore[like].slice() : new Int32Array(classes);
    for (let i = 0; i < tokens.length; i++) setOf[classOf[tokens[i]]] = sets[i];
    perCore.push(setOf);
    const byPair = new Map<number, number>();
    for (let k = 1; k < classes; k++) {
      for (const { to, effect } of pairs.members(setOf[k])) {
        const key = to * 65_536 + effect;
        let index = byPair.get(key);
        if (index === undefined) {
          index = groupTo.length;
          byPair.set(key, index);
          groupTo.push(to);
          groupEffect.push(effect);
          groupClasses.push([]);
        }
        groupClasses[index].push(k);
      }
    }
    groupStart[core + 1] = groupTo.length;
  }
  return {
    cores: states.length,
    coreStates: states,
    groupStart,
    groupTo: Int32Array.from(groupTo),
    groupEffect: Int32Array.from(groupEffect),
    ...shareSets(groupClasses),
  };
}
