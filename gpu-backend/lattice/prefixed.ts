/**
 * A byte automaton behind fixed bytes. A literal's last space is handed to the hole behind it, so that "Dear " + "Anna" may
 * be written with the token " Anna", as the model learnt it.
 */
import { type Arc, type ByteAutomaton, NEVER } from '../../shared/constraints/automaton.ts';

/** The automaton that reads `lead`, then what `automaton` reads. */
export function prefixed(lead: Uint8Array, automaton: ByteAutomaton): ByteAutomaton {
  if (lead.length === 0) return automaton;
  const { byteClass, classes } = splitClasses(lead, automaton);
  const original = new Uint8Array(classes);
  for (let byte = 0; byte < 256; byte++) original[byteClass[byte]] = automaton.byteClass[byte];
  const first = automaton.states;
  const steps: readonly Arc[][] = Array.from(lead, (_, i) => [
    { to: i + 1 < lead.length ? first + i + 1 : automaton.start, guards: [], updates: [] },
  ]);
  return {
    states: automaton.states + lead.length,
    start: first,
    classes,
    counters: automaton.counters,
    byteClass,
    arcs(state, k) {
      if (state < first) return automaton.arcs(state, original[k]);
      return byteClass[lead[state - first]] === k ? steps[state - first] : [];
    },
    accepting: (state) => (state < first ? automaton.accepting(state) : NEVER),
  };
}

/** Byte classes in which each byte of `lead` is alone. */
function splitClasses(lead: Uint8Array, automaton: ByteAutomaton) {
  const byteClass = automaton.byteClass.slice();
  let classes = automaton.classes;
  for (const byte of new Set(lead)) byteClass[byte] = classes++;
  return { byteClass, classes };
}
