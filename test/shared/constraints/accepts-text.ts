/**
 * The reference acceptor: does a text pass the automata of a compiled constraint, for some split into its segments?
 */
import { accepts, type ByteAutomaton, open, run, update } from '../../../shared/constraints/automaton.ts';
import type { CompiledConstraint } from '../../../shared/constraints/compile.ts';

/** Every place at which a value that begins at `from` can end. */
function ends(automaton: ByteAutomaton, bytes: Uint8Array, from: number): number[] {
  const values = new Int32Array(automaton.counters.length);
  let state = automaton.start;
  const found: number[] = [];
  for (let at = from; ; at++) {
    if (accepts(automaton.accepting(state), values)) found.push(at);
    if (at === bytes.length) return found;
    const arcs = automaton.arcs(state, automaton.byteClass[bytes[at]]).filter((arc) => open(arc.guards, values));
    if (arcs.length > 1) throw new Error(`not deterministic: state ${state}, byte ${bytes[at]}`);
    if (arcs.length === 0) return found;
    update(automaton.counters, arcs[0].updates, values);
    state = arcs[0].to;
  }
}

export function acceptsText(compiled: CompiledConstraint, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  if (!run(compiled.whole, bytes)) return false;
  if (compiled.phraseAutomata().some((phrase) => !run(phrase, bytes))) return false;
  let places = new Set([0]);
  for (const segment of compiled.segments) {
    const next = new Set<number>();
    for (const at of places) {
      if (segment.kind === 'hole') for (const end of ends(segment.automaton, bytes, at)) next.add(end);
      else if (segment.bytes.every((byte, i) => bytes[at + i] === byte)) next.add(at + segment.bytes.length);
    }
    places = next;
  }
  return places.has(bytes.length);
}
