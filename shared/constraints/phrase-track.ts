/**
 * How far each phrase that must appear has been found: the states of all their machines, as one number.
 */
import type { Machine } from './automaton.ts';
import { classAt } from './code-points.ts';
import type { Part, Symbols } from './symbols.ts';

/** The phrases of a scene. A track is the number of a tuple of states. */
export interface PhraseTrack {
  readonly start: number;
  /** The track behind one more symbol of a hole. */
  after(hole: number, symbols: Symbols, symbol: number, track: number): number;
  /** The track behind a whole literal; `index` names the literal. */
  afterText(index: number, units: readonly number[], track: number): number;
  /** True when all phrases have been found. */
  found(track: number): boolean;
  /** Symbols that the phrases still lack, each taken alone. */
  lacking(track: number): number;
}

/** Follows phrases through a text. */
export function trackPhrases(phrases: readonly Part[]): PhraseTrack {
  const ids = new Map<string, number>();
  const tuples: (readonly number[])[] = [];
  const idOf = (tuple: readonly number[]): number => {
    const key = tuple.join();
    let id = ids.get(key);
    if (id === undefined) {
      id = tuples.length;
      ids.set(key, id);
      tuples.push(tuple);
    }
    return id;
  };
  const distances = phrases.map(({ machine }) => distancesOf(machine));
  const afterSymbol: Int32Array[][] = [];
  const afterLiteral = new Map<string, number>();
  return {
    start: idOf(phrases.map((part) => part.machine.start)),
    after(hole, symbols, symbol, track) {
      if (phrases.length === 0) return track;
      afterSymbol[hole] ??= [];
      afterSymbol[hole][track] ??= new Int32Array(symbols.count).fill(-1);
      const row = afterSymbol[hole][track];
      if (row[symbol] < 0) {
        row[symbol] = idOf(
          tuples[track].map((state, i) => phrases[i].machine.arcs(state, symbols.phrases[i][symbol])[0]?.to ?? state),
        );
      }
      return row[symbol];
    },
    afterText(index, units, track) {
      if (phrases.length === 0 || units.length === 0) return track;
      const key = `${index},${track}`;
      let id = afterLiteral.get(key);
      if (id === undefined) {
        const states = [...tuples[track]];
        for (const unit of units) {
          phrases.forEach(({ machine, partition }, i) => {
            states[i] = machine.arcs(states[i], classAt(partition, unit))[0]?.to ?? states[i];
          });
        }
        id = idOf(states);
        afterLiteral.set(key, id);
      }
      return id;
    },
    found: (track) => tuples[track].every((state, i) => phrases[i].machine.accepting(state).length > 0),
    lacking: (track) => tuples[track].reduce((sum, state, i) => sum + Math.max(0, distances[i][state]), 0),
  };
}

/** The fewest symbols from each state to an accepting one, -1 where there is none. */
function distancesOf(machine: Machine): Int32Array {
  const distance = new Int32Array(machine.states).fill(-1);
  const before: number[][] = Array.from({ length: machine.states }, () => []);
  const queue: number[] = [];
  for (let state = 0; state < machine.states; state++) {
    for (let c = 0; c < machine.classes; c++) for (const arc of machine.arcs(state, c)) before[arc.to].push(state);
    if (machine.accepting(state).length === 0) continue;
    distance[state] = 0;
    queue.push(state);
  }
  for (let i = 0; i < queue.length; i++) {
    for (const from of before[queue[i]]) {
      if (distance[from] >= 0) continue;
      distance[from] = distance[queue[i]] + 1;
      queue.push(from);
    }
  }
  return distance;
}
