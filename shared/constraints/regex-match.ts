/**
 * Matches a regular expression by sets of positions: the checker's own matcher. It has no automaton in it, and unlike
 * the engine's RegExp it cannot be made to backtrack for ever. Character classes are judged by the engine itself.
 */
import { type AST, RegExpParser } from '@eslint-community/regexpp';

type Positions = ReadonlySet<number>;

/** A regular expression ready to be matched. */
export interface Matcher {
  /** True when the whole value matches. */
  matches(value: string): boolean;
}

const made = new Map<string, Matcher>();

/** A matcher of whole values (`^(?:source)$`, flag u). Throws SyntaxError for what is not a regular expression. */
export function matcher(source: string): Matcher {
  let result = made.get(source);
  if (result === undefined) {
    const pattern = new RegExpParser({ ecmaVersion: 2024 }).parsePattern(source, 0, source.length, { unicode: true });
    const classes = new Map<string, RegExp>();
    result = {
      matches(value) {
        const characters = [...value];
        return ends(pattern, new Set([0]), characters, classes).has(characters.length);
      },
    };
    if (made.size >= 64) made.clear();
    made.set(source, result);
  }
  return result;
}

/** Where a node that begins at any of these positions can end. */
function ends(node: AST.Node, from: Positions, text: readonly string[], classes: Map<string, RegExp>): Positions {
  if (from.size === 0) return from;
  switch (node.type) {
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup': {
      const all = new Set<number>();
      for (const alternative of node.alternatives) for (const at of ends(alternative, from, text, classes)) all.add(at);
      return all;
    }
    case 'Alternative': {
      let at = from;
      for (const element of node.elements) at = ends(element, at, text, classes);
      return at;
    }
    case 'Quantifier':
      return repeated(node, from, text, classes);
    case 'Assertion':
      if (node.kind === 'start') return new Set([...from].filter((at) => at === 0));
      if (node.kind === 'end') return new Set([...from].filter((at) => at === text.length));
      break;
    case 'Character':
    case 'CharacterClass':
    case 'CharacterSet': {
      let single = classes.get(node.raw);
      if (single === undefined) {
        single = new RegExp(`^${node.raw}$`, 'u');
        classes.set(node.raw, single);
      }
      const next = new Set<number>();
      for (const at of from) if (at < text.length && single.test(text[at])) next.add(at + 1);
      return next;
    }
    default:
  }
  throw new SyntaxError(`${node.raw} is not a regular construct`);
}

function repeated(
  node: AST.Quantifier,
  from: Positions,
  text: readonly string[],
  classes: Map<string, RegExp>,
): Positions {
  let at = from;
  for (let round = 0; round < node.min; round++) {
    const next = ends(node.element, at, text, classes);
    // Positions that a round does not change stay as they are for all rounds left.
    if (same(next, at)) break;
    at = next;
  }
  // From here on only new positions matter: an old one was reached in fewer rounds.
  const reached = new Set(at);
  for (let round = node.min; round < node.max && at.size > 0; round++) {
    const fresh = new Set<number>();
    for (const position of ends(node.element, at, text, classes)) {
      if (reached.has(position)) continue;
      reached.add(position);
      fresh.add(position);
    }
    at = fresh;
  }
  return reached;
}

function same(a: Positions, b: Positions): boolean {
  return a.size === b.size && [...a].every((position) => b.has(position));
}
