/**
 * From a compiled constraint to lattices. Lifting a hole and expanding its graph do not depend on how many positions it
 * gets, so they are done once; a lattice for a given layout then only lines the graphs up.
 */
import type { ByteAutomaton } from '../../shared/constraints/automaton.ts';
import { type ShiftRule, setRange, wordsFor } from './bits.ts';
import { createEffects } from './effect.ts';
import { buildGraph, chooseRuler, type Graph, holds, rulerStep, take } from './graph.ts';
import { createGroupIndex, type Lattice, type LatticeHole, type Link } from './lattice.ts';
import { type Lift, lift } from './lift.ts';
import { pairMachine } from './pair.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A stretch of generated text with the fixed bytes that follow it. */
export interface HolePart {
  readonly automaton: ByteAutomaton;
  /** Bytes between this hole and the next, or the end of the text. */
  readonly after: Uint8Array;
  /** Most tokens the hole may get. */
  readonly most: number;
}

/** Everything about a constraint that no layout changes. */
export interface Frame {
  readonly graphs: readonly Graph[];
  readonly links: readonly (Link | undefined)[];
  /** Number of ruler values, 1 without a ruler. */
  readonly ruler: number;
  readonly startNode: number;
  readonly startRuler: number;
  readonly accepting: Uint32Array;
  /** True when no fixed text follows the last hole. */
  readonly tail: boolean;
}

/** A state of the whole-text automaton with its counters, between holes. */
interface Crossing {
  readonly state: number;
  readonly values: Int32Array;
  readonly rule: ShiftRule;
}

/**
 * Lifts all holes. `before` are the bytes in front of the first hole; undefined when fixed text alone already breaks the
 * constraint. Throws RangeError where the constraint is too large.
 */
export function buildFrame(
  whole: ByteAutomaton,
  before: Uint8Array,
  holes: readonly HolePart[],
  vocabulary: Vocabulary,
  distinguish?: Uint8Array,
): Frame | undefined {
  const ruler = chooseRuler(whole.counters, (counter) => neverSet(whole, counter));
  const values = ruler < 0 ? 1 : whole.counters[ruler].max + 1;
  const saturates = ruler >= 0 && whole.counters[ruler].saturates;
  const words = wordsFor(values);
  const cross = createCrossing(whole, ruler, values - 1, saturates);
  const [start] = cross(before)(whole.start, new Int32Array(whole.counters.length), 0);
  if (start === undefined || start.rule.min > 0) return undefined;
  const graphs: Graph[] = [];
  const links: (Link | undefined)[] = [];
  const ends: { readonly node: number; readonly crossing: Crossing }[][] = [];
  let entries: readonly Crossing[] = [start];
  for (const hole of holes) {
    const machine = pairMachine(hole.automaton, whole);
    const stateOf = (crossing: Crossing) => machine.stateOf(hole.automaton.start, crossing.state);
    const lifted = lift(machine, vocabulary, unique(entries.map(stateOf)), distinguish);
    const coreOfState = new Map(lifted.coreStates.map((state, core) => [state, core]));
    const wide = (crossing: Crossing) => widen(crossing.values, machine.counters.length);
    const graph = buildGraph(
      lifted,
      ruler,
      entries.map((entry) => ({ core: coreOfState.get(stateOf(entry))!, values: wide(entry) })),
      hole.most,
    );
    if (graphs.length > 0) {
      const previous = ends[ends.length - 1];
      const find = (crossing: Crossing) => graph.find(coreOfState.get(stateOf(crossing))!, wide(crossing));
      links.push(linkOf(graphs[graphs.length - 1], previous, find));
    }
    graphs.push(graph);
    ends.push(exits(graph, lifted, cross(hole.after), ruler, whole.counters.length));
    entries = distinct(ends[ends.length - 1].map((end) => end.crossing));
    if (entries.length === 0) return undefined;
  }
  links.push(undefined);
  const last = graphs[graphs.length - 1];
  return {
    graphs,
    links,
    ruler: values,
    startNode: 0,
    startRuler: start.rule.add,
    accepting: acceptingEnds(
      whole,
      last?.nodes ?? 1,
      ends[ends.length - 1] ?? [{ node: 0, crossing: start }],
      ruler,
      words,
    ),
    tail: holes.length > 0 && holes[holes.length - 1].after.length === 0,
  };
}

/** How the holes lie on a canvas. */
export interface Placement {
  /** Positions of each hole, and the text position of its first. */
  readonly lengths: readonly number[];
  readonly firsts: readonly number[];
  readonly eos: number;
  /** First text position at which the end of text may stand. */
  readonly endFrom: number;
  /** Text position from which on only the end of text may stand. */
  readonly endUntil: number;
  /** Classes (one byte each) that may stand at a text position, where not all may. */
  readonly allowedAt: ReadonlyMap<number, Uint8Array>;
}

/** Lines the graphs of a frame up on a canvas. */
export function buildLattice(frame: Frame, placement: Placement): Lattice {
  const { lengths, firsts, eos, endFrom, endUntil, allowedAt } = placement;
  const holes = frame.graphs.map((graph, h): LatticeHole => {
    const reach = new Int32Array(lengths[h] + 1);
    for (let layer = 0, n = 0; layer <= lengths[h]; layer++) {
      while (n < graph.nodes && graph.nodeDepth[n] <= layer) n++;
      reach[layer] = n - 1;
    }
    return {
      graph,
      first: firsts[h],
      length: lengths[h],
      reach,
      groupRule: groupRules(graph, frame.ruler),
      groupsOf: groupIndexOf(graph),
      link: frame.links[h],
    };
  });
  const words = wordsFor(frame.ruler);
  return { ...frame, holes, words, eos, endFrom, endUntil, allowedAt };
}

const ruleCache = new WeakMap<Graph, readonly ShiftRule[]>();
const indexCache = new WeakMap<Graph, (classId: number) => Int32Array>();

function groupRules(graph: Graph, ruler: number): readonly ShiftRule[] {
  let rules = ruleCache.get(graph);
  if (rules === undefined) {
    const saturates = graph.ruler >= 0 && graph.lift.machine.counters[graph.ruler].saturates;
    rules = Array.from(graph.groupAdd, (add, g) => {
      return { min: graph.groupMin[g], max: graph.groupMax[g], add, saturates, top: ruler - 1 };
    });
    ruleCache.set(graph, rules);
  }
  return rules;
}

function groupIndexOf(graph: Graph): (classId: number) => Int32Array {
  let index = indexCache.get(graph);
  if (index === undefined) {
    index = createGroupIndex(graph);
    indexCache.set(graph, index);
  }
  return index;
}

function neverSet(whole: ByteAutomaton, counter: number): boolean {
  for (let state = 0; state < whole.states; state++) {
    for (let k = 0; k < whole.classes; k++) {
      for (const arc of whole.arcs(state, k)) {
        if (arc.updates.some((update) => update.counter === counter && update.operation === 'set')) return false;
      }
    }
  }
  return true;
}

/** What fixed bytes do to the whole-text automaton, from any state and counter values; the ruler stays symbolic. */
function createCrossing(whole: ByteAutomaton, ruler: number, top: number, saturates: boolean) {
  const effects = createEffects(whole.counters);
  let arcNumbers = 0;
  const numbers = new Map<object, number>();
  const numberOf = (arc: object): number => {
    let number = numbers.get(arc);
    if (number === undefined) {
      number = arcNumbers++;
      numbers.set(arc, number);
    }
    return number;
  };
  return (bytes: Uint8Array) => {
    const memo = new Map<number, readonly { readonly state: number; readonly effect: number }[]>();
    const from = (start: number) => {
      let ways = memo.get(start);
      if (ways !== undefined) return ways;
      ways = [{ state: start, effect: 0 }];
      for (const byte of bytes) {
        ways = ways.flatMap(({ state, effect }) =>
          whole.arcs(state, whole.byteClass[byte]).flatMap((arc) => {
            const next = effects.compose(effect, numberOf(arc), arc);
            return next < 0 ? [] : [{ state: arc.to, effect: next }];
          }),
        );
      }
      memo.set(start, ways);
      return ways;
    };
    return (start: number, values: ArrayLike<number>, offset: number): Crossing[] =>
      from(start).flatMap(({ state, effect }) => {
        const after = new Int32Array(whole.counters.length);
        if (!take(effects.get(effect), values, offset, ruler, after, whole.counters)) return [];
        return [{ state, values: after, rule: { ...rulerStep(effects.get(effect), ruler), saturates, top } }];
      });
  };
}

/** Where each node of a hole's graph leads when the hole ends there and its following literal has been read. */
function exits(
  graph: Graph,
  lifted: Lift,
  cross: (state: number, values: ArrayLike<number>, offset: number) => Crossing[],
  ruler: number,
  wholeCounters: number,
): { node: number; crossing: Crossing }[] {
  const m = lifted.machine.counters.length;
  const found: { node: number; crossing: Crossing }[] = [];
  for (let node = 0; node < graph.nodes; node++) {
    const state = lifted.coreStates[graph.nodeCore[node]];
    const ends = lifted.machine
      .holeAccepting(state)
      .some((guards) => holds(guards, graph.nodeValues, node * m, ruler, { min: 0, max: Number.MAX_SAFE_INTEGER }));
    if (!ends) continue;
    const values = graph.nodeValues.subarray(node * m, node * m + wholeCounters);
    for (const crossing of cross(lifted.machine.wholeState(state), values, 0)) found.push({ node, crossing });
  }
  return found;
}

function linkOf(
  graph: Graph,
  ends: readonly { readonly node: number; readonly crossing: Crossing }[],
  find: (crossing: Crossing) => number,
): Link {
  const from = new Int32Array(graph.nodes + 1);
  for (const { node } of ends) from[node + 1]++;
  for (let n = 0; n < graph.nodes; n++) from[n + 1] += from[n];
  return {
    from,
    to: Int32Array.from(ends, ({ crossing }) => find(crossing)),
    rule: ends.map(({ crossing }) => crossing.rule),
  };
}

/** Ruler values with which the text may end at each node: nodes x words. */
function acceptingEnds(
  whole: ByteAutomaton,
  nodes: number,
  ends: readonly { readonly node: number; readonly crossing: Crossing }[],
  ruler: number,
  words: number,
): Uint32Array {
  const accepting = new Uint32Array(nodes * words);
  for (const { node, crossing } of ends) {
    const { rule } = crossing;
    for (const guards of whole.accepting(crossing.state)) {
      const bounds = { min: 0, max: rule.top };
      if (!holds(guards, crossing.values, 0, ruler, bounds)) continue;
      const max = rule.saturates && bounds.max >= rule.top ? rule.top : bounds.max - rule.add;
      setRange(accepting, node * words, Math.max(rule.min, bounds.min - rule.add, 0), Math.min(rule.max, max));
    }
  }
  return accepting;
}

function widen(values: Int32Array, length: number): Int32Array {
  const wide = new Int32Array(length);
  wide.set(values);
  return wide;
}

const unique = (states: readonly number[]): number[] => [...new Set(states)];

function distinct(crossings: readonly Crossing[]): Crossing[] {
  const byKey = new Map<string, Crossing>();
  for (const crossing of crossings) byKey.set(`${crossing.state}/${crossing.values.join(',')}`, crossing);
  return [...byKey.values()];
}
