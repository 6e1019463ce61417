/**
 * A list of whole texts as a machine: a trie, minimised.
 */
import { problem } from '../contract/problem.ts';
import { type Acceptance, ALWAYS, type Arc, fromTable, NEVER, NO_ARCS } from './automaton.ts';
import { of, partition } from './code-points.ts';
import { minimise } from './minimise.ts';
import { overCodePoints, type TextMachine } from './utf8.ts';

/** Most cells (states x different characters) of the machine of a list of choices. */
const CELL_LIMIT = 400_000;
/** Most different beginnings of the texts of one list, and the number up to which equal endings are joined. */
const CHOICE_STATES = 6_000;
const JOIN_ENDINGS = 3_000;

/** The machine of exactly these texts. Throws limit_exceeded, invalid_request (lone surrogates). */
export function choicesMachine(choices: readonly string[], pointer: string): TextMachine {
  const alphabet = new Map<number, number>();
  const next: Map<number, number>[] = [new Map()];
  const final = new Set<number>();
  choices.forEach((text, i) => {
    if (!text.isWellFormed()) {
      const at = `${pointer}/${i}`;
      throw problem('invalid_request', `The choice at ${at} holds a lone surrogate.`, { pointer: at });
    }
    let node = 0;
    for (const character of text) {
      const codePoint = character.codePointAt(0) as number;
      let letter = alphabet.get(codePoint);
      if (letter === undefined) {
        letter = alphabet.size;
        alphabet.set(codePoint, letter);
      }
      let to = next[node].get(letter);
      if (to === undefined) {
        to = next.length;
        next[node].set(letter, to);
        next.push(new Map());
      }
      node = to;
    }
    final.add(node);
    if (next.length > CHOICE_STATES || next.length * alphabet.size > CELL_LIMIT) {
      throw problem(
        'limit_exceeded',
        `The choices at ${pointer} together hold more than ${CHOICE_STATES} characters, or too many different ones.`,
        { pointer },
      );
    }
  });
  const { partition: classes, members } = partition([...alphabet.keys()].map((c) => of(c, c)));
  const letterOf = new Int32Array(classes.classes).fill(-1);
  members.forEach((list, letter) => {
    for (const c of list) letterOf[c] = letter;
  });
  const arcs: (readonly Arc[])[] = [];
  const accepting: Acceptance[] = [];
  next.forEach((letters, node) => {
    for (let c = 0; c < classes.classes; c++) {
      const to = letterOf[c] < 0 ? undefined : letters.get(letterOf[c]);
      arcs.push(to === undefined ? NO_ARCS : [{ to, guards: [], updates: [] }]);
    }
    accepting.push(final.has(node) ? ALWAYS : NEVER);
  });
  const table = { start: 0, classes: classes.classes, counters: [], arcs, accepting };
  const trie = fromTable(table);
  return overCodePoints(next.length > JOIN_ENDINGS ? trie : minimise(trie), classes);
}
