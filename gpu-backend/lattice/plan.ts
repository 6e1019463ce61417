/**
 * What a compiled constraint means in tokens: literals encoded, holes lifted, phrases encoded both ways, and how many tokens
 * each hole usually takes.
 */
import type { CompiledConstraint } from '../../shared/constraints/compile.ts';
import type { Segment } from '../../shared/constraints/segment.ts';
import { buildFrame, type HolePart } from './assemble.ts';
import { type Anchor, type Layout, layOut, type Plan, type PlanHole } from './layout.ts';
import { prefixed } from './prefixed.ts';
import { type Stated, typicalTokens } from './typical.ts';
import type { Encoder, Vocabulary } from './vocabulary.ts';
import { startsWithWord } from './word-start.ts';

export interface TextPlan extends Plan {
  /** Name of each hole; '' for a text without template. */
  readonly names: readonly string[];
  /** What of the literal before each hole is written with the hole's first token: a space or nothing. */
  readonly leads: readonly string[];
  /** Choices of each hole, where it has some. */
  readonly choices: readonly (readonly string[] | undefined)[];
  /** True when the text ends in free text, whose length the model settles; a form or a choice ends where it is complete. */
  readonly openEnd: boolean;
  /** The tokens that the holes are written in. */
  readonly vocabulary: Vocabulary;
  decode(tokens: Int32Array): string;
}

interface Piece {
  /** Fixed text in front of the hole, its last space taken away. */
  readonly before: string;
  readonly lead: string;
  readonly hole: Extract<Segment, { kind: 'hole' }>;
}

/**
 * The plan of a text, or undefined when its fixed text alone breaks the constraint. `values`: short values of the holes that
 * satisfy it.
 */
export function planText(
  compiled: CompiledConstraint,
  encoder: Encoder,
  vocabulary: Vocabulary,
  values: Readonly<Record<string, string>>,
): TextPlan | undefined {
  const { pieces, end } = cut(compiled.segments);
  const utf8 = new TextEncoder();
  const tokens = compiled.tokens;
  const literals = [...pieces.map((piece) => piece.before), end];
  const encoded = literals.map((text) => encoder.encode(text));
  const fixed = encoded.reduce((sum, literal) => sum + literal.length, 0);
  const parts: HolePart[] = pieces.map(({ lead, hole }, h) => ({
    automaton: prefixed(utf8.encode(lead), hole.automaton),
    after: utf8.encode(literals[h + 1]),
    most: Math.min(hole.tokens.max, Math.max(1, tokens.max - fixed)),
  }));
  const wholeWords = compiled.phrases.some((phrase) => phrase.wholeWord);
  const wordStart = startsWithWord(vocabulary);
  const frame = buildFrame(
    compiled.whole,
    utf8.encode(literals[0]),
    parts,
    vocabulary,
    wholeWords ? wordStart : undefined,
  );
  if (frame === undefined) return undefined;
  return {
    frame,
    before: encoded[0],
    holes: pieces.map(({ lead, hole, before }, h): PlanHole => {
      const room = parts[h].most;
      const min = Math.max(hole.tokens.min, lead.length);
      const tail = frame.tail && h === pieces.length - 1;
      const shortest = encoder.encode(values[hole.name] ?? '').length;
      const typical =
        hole.name === '' && compiled.plan.free !== undefined && Object.keys(compiled.plan.measures.text).length === 0
          ? { min: 1, max: tokens.max }
          : typicalTokens(statedOf(compiled, hole.name), shortest, tail, (text) => encoder.encode(text).length);
      const bare = lead === '' && !/\s$/u.test(before);
      return {
        tokens: { min, max: room },
        typical: { min: clamp(typical.min, min, room), max: clamp(typical.max, min, room) },
        bare,
        after: encoded[h + 1],
      };
    }),
    phrases: compiled.phrases.map(({ text, wholeWord }) => ({
      joined: encoder.encode(/^\s/u.test(text) ? text : ` ${text}`),
      bare: encoder.encode(text),
      wholeWord,
    })),
    tokens,
    eos: vocabulary.eos,
    mayFollowWord: frame.graphs.map(({ lift }) => {
      const allowed = new Uint8Array(lift.classes);
      for (let token = 0; token < vocabulary.size; token++) {
        if (lift.classOf[token] > 0 && wordStart[token] === 0) allowed[lift.classOf[token]] = 1;
      }
      return allowed;
    }),
    names: pieces.map(({ hole }) => hole.name),
    leads: pieces.map(({ lead }) => lead),
    choices: pieces.map(({ hole }) => statedOf(compiled, hole.name).choices),
    openEnd: frame.tail && statedOf(compiled, pieces[pieces.length - 1].hole.name).free,
    vocabulary,
    decode: (ids) => decodeTokens(ids, vocabulary),
  };
}

/**
 * The layout that follows a known text: each hole gets as many positions as its value there takes, and holes in which a
 * phrase stands are written as they are in it.
 */
export function witnessLayout(
  plan: TextPlan,
  values: Readonly<Record<string, string>>,
  compiled: CompiledConstraint,
  encoder: Encoder,
): Layout | undefined {
  const encoded = plan.names.map((name, h) => encoder.encode(plan.leads[h] + (values[name] ?? '')));
  const lengths = encoded.map((tokens, h) => Math.max(tokens.length, plan.holes[h].tokens.min));
  const anchors: Anchor[] = [];
  encoded.forEach((tokens, hole) => {
    const value = values[plan.names[hole]] ?? '';
    if (compiled.phrases.some(({ text }) => value.toLowerCase().includes(text.toLowerCase()))) {
      anchors.push({ hole, offset: 0, tokens, wholeWord: false });
    }
  });
  // A text that may end early can always be given more room.
  const last = lengths.length - 1;
  if (plan.frame.tail && lengths[last] < plan.holes[last].typical.max) {
    const roomy = lengths.with(last, plan.holes[last].typical.max);
    return layOut(plan, roomy, anchors) ?? layOut(plan, lengths, anchors);
  }
  return layOut(plan, lengths, anchors);
}

/** What the request states of a hole; of the whole text where there is no template. */
function statedOf({ plan }: CompiledConstraint, name: string): Stated {
  const hole = plan.segments?.find((segment) => segment.kind === 'hole' && segment.name === name);
  const { measures, choices, free } = hole?.kind === 'hole' ? hole : plan;
  return { measures, choices, free: free !== undefined };
}

function cut(segments: readonly Segment[]): { pieces: Piece[]; end: string } {
  const pieces: Piece[] = [];
  let literal = '';
  for (const segment of segments) {
    if (segment.kind === 'literal') {
      literal += segment.text;
      continue;
    }
    const lead = literal.endsWith(' ') ? ' ' : '';
    pieces.push({ before: literal.slice(0, literal.length - lead.length), lead, hole: segment });
    literal = '';
  }
  return { pieces, end: literal };
}

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));

function decodeTokens(ids: Int32Array, vocabulary: Vocabulary): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  for (const id of ids) text += decoder.decode(vocabulary.bytes[id], { stream: true });
  return text + decoder.decode();
}
