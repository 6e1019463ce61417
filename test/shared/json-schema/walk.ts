/**
 * Texts an automaton accepts, drawn by walking it at random.
 */
import { type ByteAutomaton, open, update } from '../../../shared/constraints/automaton.ts';

/** A generator of numbers in [0, 1): mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Fewest bytes from each state to an accepting one, counters aside; Infinity where there is no way. */
function distances(automaton: ByteAutomaton): Float64Array {
  const before: number[][] = Array.from({ length: automaton.states }, () => []);
  for (let state = 0; state < automaton.states; state++) {
    for (let c = 0; c < automaton.classes; c++) for (const { to } of automaton.arcs(state, c)) before[to].push(state);
  }
  const distance = new Float64Array(automaton.states).fill(Number.POSITIVE_INFINITY);
  const queue: number[] = [];
  for (let state = 0; state < automaton.states; state++) {
    if (automaton.accepting(state).length === 0) continue;
    distance[state] = 0;
    queue.push(state);
  }
  for (let i = 0; i < queue.length; i++) {
    for (const state of before[queue[i]]) {
      if (distance[state] !== Number.POSITIVE_INFINITY) continue;
      distance[state] = distance[queue[i]] + 1;
      queue.push(state);
    }
  }
  return distance;
}

/** A walker over one automaton: a text it accepts, or undefined where the walk went astray. */
export function createWalker(automaton: ByteAutomaton): (random: () => number) => string | undefined {
  const distance = distances(automaton);
  const bytes: number[][] = Array.from({ length: automaton.classes }, () => []);
  automaton.byteClass.forEach((c, byte) => {
    bytes[c].push(byte);
  });
  return (random) => {
    const values = new Int32Array(automaton.counters.length);
    const text: number[] = [];
    // From here on the walk heads home.
    const patience = Math.floor(random() * random() * 300);
    let state = automaton.start;
    for (let length = 0; length < 1500; length++) {
      const accepted = automaton.accepting(state).some((guards) => open(guards, values));
      if (accepted && (length >= patience || random() < 0.2)) {
        return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(text));
      }
      const ways: { symbol: number; to: number; arc: ReturnType<ByteAutomaton['arcs']>[number] }[] = [];
      for (let symbol = 0; symbol < automaton.classes; symbol++) {
        for (const arc of automaton.arcs(state, symbol)) {
          if (open(arc.guards, values)) ways.push({ symbol, to: arc.to, arc });
        }
      }
      if (ways.length === 0) return undefined;
      let pool = ways;
      if (length >= patience && random() < 0.9) {
        const least = Math.min(...ways.map((way) => distance[way.to]));
        pool = ways.filter((way) => distance[way.to] === least);
      }
      const { symbol, arc } = pool[Math.floor(random() * pool.length)];
      text.push(bytes[symbol][Math.floor(random() * bytes[symbol].length)]);
      update(automaton.counters, arc.updates, values);
      state = arc.to;
    }
    return undefined;
  };
}
