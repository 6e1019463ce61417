/**
 * What each of several options weighs where a text ends with one of them: the sum over all ways to spell it in tokens, with the end of
 * the text behind it. Every option fits, whatever its length: the positions are as many as the longest one takes.
 *
 * The same marginals as a lattice of choices would give, without one: what stands before is fixed, so an option is a walk through the trie.
 */
import type { ProposalRows } from './proposal.ts';
import { addTokens, type RowReading } from './reading.ts';
import { shareOf } from './rows.ts';
import { logAdd } from './scaled.ts';
import { spellings, type Vocabulary } from './vocabulary.ts';

/**
 * A token never weighs less: the least normal float32. What a device rounds to nothing is unlikely and not impossible, and an option must
 * not be lost for it.
 */
const LEAST_SHARE = 2 ** -126;

const utf8 = new TextEncoder();

/**
 * Natural logarithms of what the options weigh, in their order, not normalised.
 *
 * @param rows of consecutive positions, ascending: those an option may take; behind them the text has ended
 */
export function optionLogs(rows: ProposalRows, options: readonly string[], vocabulary: Vocabulary): number[] {
  const positions = rows.positions.length;
  const share = (row: number, token: number) => Math.log(Math.max(shareOf(rows, row, token), LEAST_SHARE));
  /** ln of the end of the text at this position and all behind it. */
  const ended = new Float64Array(positions + 1);
  for (let row = positions - 1; row >= 0; row--) ended[row] = ended[row + 1] + share(row, vocabulary.eos);
  return options.map((option) => {
    const bytes = utf8.encode(option);
    let total = Number.NEGATIVE_INFINITY;
    // Log-weights by bytes written, position by position.
    let here = new Map([[0, 0]]);
    for (let row = 0; row <= positions && here.size > 0; row++) {
      const whole = here.get(bytes.length);
      if (whole !== undefined) total = logAdd(total, whole + ended[row]);
      if (row === positions) break;
      const next = new Map<number, number>();
      for (const [written, weight] of here) {
        spellings(bytes, written, vocabulary, (until, token) => {
          next.set(until, logAdd(next.get(until) ?? Number.NEGATIVE_INFINITY, weight + share(row, token)));
        });
      }
      here = next;
    }
    return total;
  });
}

/** What `optionLogs` reads of so many rows, where a device keeps them: tokens by name, and sums over one class that nobody looks at. */
export function optionReading(positions: number, options: readonly string[], vocabulary: Vocabulary): RowReading {
  const watched = new Set([vocabulary.eos]);
  for (const option of options) addTokens(utf8.encode(option), vocabulary, watched);
  return {
    lifts: new Array(positions).fill(oneClass(vocabulary)),
    watched: Int32Array.from(watched).sort(),
  };
}

const lifts = new WeakMap<Vocabulary, RowReading['lifts'][number]>();

/** All tokens of a vocabulary as one class. */
function oneClass(vocabulary: Vocabulary): RowReading['lifts'][number] {
  let lift = lifts.get(vocabulary);
  if (lift === undefined) {
    const classTokens = vocabulary.tokens.slice().sort();
    const classOf = new Int32Array(vocabulary.size);
    for (const token of classTokens) classOf[token] = 1;
    lift = { classes: 2, classOf, classStart: Int32Array.of(0, 0, classTokens.length), classTokens };
    lifts.set(vocabulary, lift);
  }
  return lift;
}
