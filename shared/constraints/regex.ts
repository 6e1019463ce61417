/**
 * ECMAScript regular expressions (flag u) -> patterns. What is not regular, or would depend on context the value
 * does not have, is refused by name and position.
 */
import { type AST, RegExpParser, RegExpSyntaxError } from '@eslint-community/regexpp';
import { problem } from '../contract/problem.ts';
import type { ByteAutomaton } from './automaton.ts';
import { type CodePointSet, complement, normalise, of, union } from './code-points.ts';
import { compilePattern, type PatternOptions } from './determinise.ts';
import { choice, one, type Pattern, repeat, sequence } from './pattern.ts';
import { propertySet } from './properties.ts';
import { type TextMachine, toBytes } from './utf8.ts';
import { WHITE_SPACE } from './white-space.ts';

export const DIGITS = of(0x30, 0x39);
export const WORD = of(0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a);
const DOT = complement(of(0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029));
/** Largest count of a repetition. */
export const REPEAT_LIMIT = 4_096;

/** Parses a regular expression. Throws invalid_request for bad syntax, unsupported_constraint for look-around and the like. */
export function parseRegex(source: string, pointer: string): Pattern {
  try {
    const parser = new RegExpParser({ ecmaVersion: 2024 });
    return translate(parser.parsePattern(source, 0, source.length, { unicode: true, unicodeSets: false }), pointer);
  } catch (error) {
    if (error instanceof RegExpSyntaxError) {
      throw problem(
        'invalid_request',
        `The regex at ${pointer} cannot be read: ${error.message} (at ${error.index}).`,
        {
          pointer,
        },
      );
    }
    if (error instanceof RangeError) {
      throw problem('limit_exceeded', `The regex at ${pointer} is nested too deeply.`, { pointer });
    }
    throw error;
  }
}

/** The machine over code points of a regular expression; see `compileRegex`. */
export function regexMachine(source: string, pointer: string, options: PatternOptions = {}): TextMachine {
  return compilePattern(parseRegex(source, pointer), pointer, options);
}

/** The automaton of the whole values a regular expression matches, or (search) of the texts it matches somewhere in. */
export function compileRegex(source: string, pointer: string, options: { search?: boolean } = {}): ByteAutomaton {
  return toBytes(regexMachine(source, pointer, options));
}

function refuse(what: string, node: AST.Node, pointer: string): never {
  throw problem(
    'unsupported_constraint',
    `The regex at ${pointer} uses ${what} (\`${node.raw}\` at ${node.start}), which cannot be enforced.`,
    { pointer },
  );
}

function translate(node: AST.Node, pointer: string): Pattern {
  switch (node.type) {
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup': {
      if (node.type === 'Group' && node.modifiers !== null) return refuse('modifiers', node, pointer);
      return choice(...node.alternatives.map((alternative) => translate(alternative, pointer)));
    }
    case 'Alternative':
      return sequence(...node.elements.map((element) => translate(element, pointer)));
    case 'Quantifier': {
      for (const count of [node.min, node.max]) {
        if (count > REPEAT_LIMIT && count !== Number.POSITIVE_INFINITY) {
          const detail = `The regex at ${pointer} repeats ${count} times (\`${node.raw}\` at ${node.start}); at most ${REPEAT_LIMIT} is allowed.`;
          throw problem('limit_exceeded', detail, { pointer });
        }
      }
      return repeat(translate(node.element, pointer), node.min, node.max);
    }
    case 'Character':
    case 'CharacterClass':
    case 'CharacterSet':
      return one(setOf(node, pointer));
    case 'Assertion':
      if (node.kind === 'start' || node.kind === 'end') return { kind: 'edge', at: node.kind };
      return refuse(node.kind === 'word' ? 'a word boundary' : node.kind, node, pointer);
    case 'Backreference':
      return refuse('a back-reference', node, pointer);
    default:
      return refuse('a construct', node, pointer);
  }
}

function setOf(node: AST.Node, pointer: string): CodePointSet {
  switch (node.type) {
    case 'Character':
      return of(node.value, node.value);
    case 'CharacterClassRange':
      return normalise([[node.min.value, node.max.value]]);
    case 'CharacterClass': {
      const set = union(...node.elements.map((element) => setOf(element, pointer)));
      return node.negate ? complement(set) : set;
    }
    case 'CharacterSet': {
      if (node.kind === 'any') return DOT;
      const set = namedSet(node, pointer);
      return node.negate ? complement(set) : set;
    }
    default:
      return refuse('a construct', node, pointer);
  }
}

function namedSet(node: Exclude<AST.CharacterSet, AST.AnyCharacterSet>, pointer: string): CodePointSet {
  switch (node.kind) {
    case 'digit':
      return DIGITS;
    case 'word':
      return WORD;
    case 'space':
      return WHITE_SPACE;
    case 'property':
      return node.strings ? refuse('a property of strings', node, pointer) : propertySet(node.key, node.value);
  }
}
