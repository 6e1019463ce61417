/**
 * A hole's automaton and the whole text's automaton run side by side, as one machine whose states are found as they are
 * reached: most pairs of states never meet.
 */
import type { Acceptance, Arc, ByteAutomaton, Counter } from '../../shared/constraints/automaton.ts';
import { both } from '../../shared/constraints/automaton.ts';

/** Counters of the whole text come first, then those of the hole. */
export interface PairMachine {
  readonly counters: readonly Counter[];
  /** 256 entries: joint class of each byte. */
  readonly byteClass: Uint8Array;
  readonly classes: number;
  /** The machine state that stands for these two states. */
  stateOf(holeState: number, wholeState: number): number;
  holeState(state: number): number;
  wholeState(state: number): number;
  /** Number of the list of arcs of a state and byte class; equal numbers mean equal arcs. 0 is the empty list. */
  transition(state: number, byteClass: number): number;
  /** The arcs of a transition, with their numbers. */
  arcs(transition: number): readonly NumberedArc[];
  /** When the hole may end in a state, on the hole's counters (as numbered here). */
  holeAccepting(state: number): Acceptance;
  /** When the whole text may end in a state. */
  wholeAccepting(state: number): Acceptance;
}

export interface NumberedArc {
  readonly number: number;
  readonly arc: Arc;
}

export function pairMachine(hole: ByteAutomaton, whole: ByteAutomaton): PairMachine {
  const shift = whole.counters.length;
  const { byteClass, classes, holeClass, wholeClass } = jointClasses(hole, whole);
  const stateByPair = new Map<number, number>();
  const holeStates: number[] = [];
  const wholeStates: number[] = [];
  const arcNumber = new Map<string, number>();
  const listNumber = new Map<string, number>([['', 0]]);
  const lists: (readonly NumberedArc[])[] = [[]];
  const transitions: (Int32Array | undefined)[] = [];

  const stateOf = (holeState: number, wholeState: number): number => {
    const pair = holeState * whole.states + wholeState;
    const known = stateByPair.get(pair);
    if (known !== undefined) return known;
    const state = holeStates.length;
    stateByPair.set(pair, state);
    holeStates.push(holeState);
    wholeStates.push(wholeState);
    return state;
  };

  const join = (state: number, joint: number): number => {
    const numbered: NumberedArc[] = [];
    for (const a of whole.arcs(wholeStates[state], wholeClass[joint])) {
      for (const b of hole.arcs(holeStates[state], holeClass[joint])) {
        const guards = both(
          a.guards,
          b.guards.map((guard) => ({ ...guard, counter: guard.counter + shift })),
        );
        if (guards === undefined) continue;
        const updates = [...a.updates, ...b.updates.map((u) => ({ ...u, counter: u.counter + shift }))];
        const arc: Arc = { to: stateOf(b.to, a.to), guards, updates };
        const key = arcKey(arc);
        let number = arcNumber.get(key);
        if (number === undefined) {
          number = arcNumber.size;
          arcNumber.set(key, number);
        }
        numbered.push({ number, arc });
      }
    }
    const key = numbered.map((entry) => entry.number).join(',');
    let list = listNumber.get(key);
    if (list === undefined) {
      list = lists.length;
      listNumber.set(key, list);
      lists.push(numbered);
    }
    return list;
  };

  return {
    counters: [...whole.counters, ...hole.counters],
    byteClass,
    classes,
    stateOf,
    holeState: (state) => holeStates[state],
    wholeState: (state) => wholeStates[state],
    transition(state, joint) {
      transitions[state] ??= new Int32Array(classes).fill(-1);
      const row = transitions[state];
      if (row[joint] < 0) row[joint] = join(state, joint);
      return row[joint];
    },
    arcs: (transition) => lists[transition],
    holeAccepting: (state) =>
      hole
        .accepting(holeStates[state])
        .map((guards) => guards.map((guard) => ({ ...guard, counter: guard.counter + shift }))),
    wholeAccepting: (state) => whole.accepting(wholeStates[state]),
  };
}

function arcKey(arc: Arc): string {
  const guards = arc.guards.map((g) => `${g.counter}:${g.min}-${g.max}`).join(';');
  const updates = arc.updates.map((u) => `${u.counter}${u.operation}${u.value}`).join(';');
  return `${arc.to}/${guards}/${updates}`;
}

function jointClasses(hole: ByteAutomaton, whole: ByteAutomaton) {
  const byteClass = new Uint8Array(256);
  const byPair = new Map<number, number>();
  const holeClass: number[] = [];
  const wholeClass: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    const pair = hole.byteClass[byte] * 256 + whole.byteClass[byte];
    let joint = byPair.get(pair);
    if (joint === undefined) {
      joint = holeClass.length;
      byPair.set(pair, joint);
      holeClass.push(hole.byteClass[byte]);
      wholeClass.push(whole.byteClass[byte]);
    }
    byteClass[byte] = joint;
  }
  return { byteClass, classes: holeClass.length, holeClass, wholeClass };
}
