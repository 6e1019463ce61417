/**
 * How many tokens a text gets room for: what the request states, else a default that grows with what it needs.
 */
import type { ByteAutomaton } from './automaton.ts';
import type { IncludePhrase } from './phrases.ts';
import type { Plan } from './plan.ts';
import type { Segment } from './segment.ts';
import type { Range } from './units.ts';

/** Tokens of a text where the request states none. */
export const DEFAULT_POSITIONS = 64;
/** Tokens that one unit may take when room is made for a minimum: short words of a small vocabulary, dense code. */
const TOKENS_PER_BYTE = 0.5;
const TOKENS_PER_WORD = 2;
const TOKENS_PER_SENTENCE = 10;

/** The fewest bytes between the start and acceptance, counters set aside. */
export function shortestBytes(automaton: ByteAutomaton): number {
  const distance = new Int32Array(automaton.states).fill(-1);
  const queue = [automaton.start];
  distance[automaton.start] = 0;
  for (let i = 0; i < queue.length; i++) {
    const state = queue[i];
    if (automaton.accepting(state).length > 0) return distance[state];
    for (let c = 0; c < automaton.classes; c++) {
      for (const { to } of automaton.arcs(state, c)) {
        if (distance[to] >= 0) continue;
        distance[to] = distance[state] + 1;
        queue.push(to);
      }
    }
  }
  return 0;
}

/** Bounds on the tokens of the whole text; `context` is the most there can be. */
export function tokenBounds(
  plan: Plan,
  segments: readonly Segment[],
  whole: ByteAutomaton,
  phrases: readonly IncludePhrase[],
  context: number,
): Range {
  const { min, max } = plan.measures.tokens;
  if (max !== Number.POSITIVE_INFINITY) return { min, max: Math.min(max, context) };
  const text = plan.measures.text;
  const lengthNeed = (measures: Plan['measures']) =>
    Math.max(
      measures.tokens.min,
      (measures.text.characters?.min ?? 0) * TOKENS_PER_BYTE,
      (measures.text.words?.min ?? 0) * TOKENS_PER_WORD,
      (measures.text.sentences?.min ?? 0) * TOKENS_PER_SENTENCE,
    );
  let need = 0;
  segments.forEach((segment, i) => {
    if (segment.kind === 'literal') {
      need += segment.bytes.length * TOKENS_PER_BYTE;
      return;
    }
    const stated = plan.segments?.[i];
    const least = shortestBytes(segment.automaton) + counted(segment.automaton);
    need += Math.max(
      4,
      least * TOKENS_PER_BYTE,
      stated?.kind === 'hole' ? lengthNeed({ ...stated.measures }) * 1.25 : 0,
    );
  });
  need = Math.max(
    need,
    (shortestBytes(whole) + counted(whole)) * TOKENS_PER_BYTE,
    lengthNeed({ tokens: plan.measures.tokens, text }),
  );
  for (const phrase of phrases) need += phrase.text.length * TOKENS_PER_BYTE + 2;
  const room = Math.max(DEFAULT_POSITIONS, Math.ceil(need * 1.25));
  return { min, max: Math.max(min, Math.min(room, context)) };
}

/** Rounds that counters ask for before the text may end, as far as acceptance and guards say. */
function counted(automaton: ByteAutomaton): number {
  let most = 0;
  const look = (guards: readonly { min: number }[]) => {
    for (const { min } of guards) most = Math.max(most, min);
  };
  for (let state = 0; state < automaton.states; state++) {
    for (const guards of automaton.accepting(state)) look(guards);
  }
  return most;
}
