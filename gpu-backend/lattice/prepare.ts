/**
 * From a request to the constraint of one text: compile, decide, lift, lay out. Whatever cannot be written is refused here,
 * before the model runs.
 */
import { check } from '../../shared/constraints/check.ts';
import { type CompiledConstraint, compileConstraint } from '../../shared/constraints/compile.ts';
import { decide } from '../../shared/constraints/feasibility.ts';
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import { type ProblemError, problem, unsatisfiable } from '../../shared/contract/problem.ts';
import type { ChoiceProbability } from '../../shared/contract/stream.ts';
import { footprint } from './footprint.ts';
import { drawLayout, type Layout } from './layout.ts';
import { lazy } from './lazy.ts';
import { planText, type TextPlan, witnessLayout } from './plan.ts';
import type { Draw, ProposalRows } from './proposal.ts';
import { createProposer, type Proposer } from './propose.ts';
import { type RowReading, readingOf } from './reading.ts';
import { settledAt, settleEnd } from './settle.ts';
import { buildVocabulary, type Encoder, isWholeText, type Vocabulary } from './vocabulary.ts';

/** The constraint of one text, as the loop sees it (gpu-backend/denoise/constraint.ts). */
export interface TextConstraint {
  /** Text positions of the canvas, the closing end-of-text token included. */
  readonly positions: number;
  /** Tokens that stand before the first step, -1 where masked. */
  readonly fixed: Int32Array;
  propose(
    canvas: Int32Array,
    rows: ProposalRows,
    draw: Draw,
  ): { positions: Int32Array; tokens: Int32Array; confidence: Float64Array; forced: Uint8Array };
  /** Probability of each choice, by hole ('text' for a text of choices), under the rows of this canvas. */
  choiceProbabilities(canvas: Int32Array, rows: ProposalRows): Record<string, ChoiceProbability[]>;
  finish(canvas: Int32Array): { text: string; holes: Record<string, string>; holeTokens: Record<string, number> };
  /** What `propose`, and with `choices` also `choiceProbabilities`, read of the rows of these positions. */
  reading(positions: Int32Array, choices: boolean): RowReading;
  /** Where the text ends, once the first proposal has settled that. */
  settledEnd(): number | undefined;
  /** Goes on behind the first proposal of this text, with the end that was settled. */
  takeUp(end: number | undefined): void;
}

export interface Preparer {
  /**
   * The constraint of one text with at most `context` tokens. `random(draw)`, uniform in (0, 1), settles its layout.
   * Throws ProblemError: unsatisfiable_constraints with the smallest conflict, limit_exceeded, unsupported_constraint,
   * invalid_template, invalid_request.
   */
  prepare(request: GenerationRequest, context: number, random: (draw: number) => number): TextConstraint;
}

// Constraints are kept ready, for callers come back with the same template. They differ a thousandfold in size.
const KEPT_BYTES = 2 ** 25;

/** Prepares constraints for one model's tokens; `eos` ends a text. */
export function createPreparer(encoder: Encoder, eos: number): Preparer {
  const bytes = Array.from({ length: encoder.size }, (_, id) => encoder.tokenBytes(id));
  // Nearly all texts are written in tokens of whole characters; pieces of characters multiply the states sixfold (measured),
  // so they are admitted only where nothing else fits.
  const whole = buildVocabulary(bytes, eos, isWholeText);
  const pieces = lazy(() => buildVocabulary(bytes, eos));
  /** Least recently used first. */
  const kept = new Map<string, Kept>();
  let keptBytes = 0;
  function weigh(entry: Kept): void {
    keptBytes -= entry.bytes;
    entry.bytes = footprint(entry.prepared, [encoder, bytes, whole, ...(entry.prepared.full ? [pieces()] : [])]);
    keptBytes += entry.bytes;
  }
  return {
    prepare(request, context, random) {
      const key = constraintKey(request, context);
      let entry = kept.get(key);
      if (entry === undefined) {
        entry = { prepared: prepareRequest(request, context, encoder, whole), bytes: 0 };
        weigh(entry);
      } else kept.delete(key);
      kept.set(key, entry);
      const { prepared } = entry;
      const { full } = prepared;
      try {
        return prepareText(prepared, encoder, pieces, random);
      } finally {
        if (prepared.full !== full) weigh(entry);
        for (const [oldest, { bytes: size }] of kept) {
          if (keptBytes <= KEPT_BYTES) break;
          kept.delete(oldest);
          keptBytes -= size;
        }
      }
    },
  };
}

/** A constraint that is kept ready, and what it takes. */
interface Kept {
  readonly prepared: PreparedRequest;
  bytes: number;
}

/** The fields that say what must hold; all others leave the constraint as it is. */
function constraintKey(request: GenerationRequest, context: number): string {
  const { template, holes, length, include, exclude, regex, json_schema, choices, facts } = request;
  return JSON.stringify([context, template, holes, length, include, exclude, regex, json_schema, choices, facts]);
}

interface PreparedRequest {
  readonly compiled: CompiledConstraint;
  /** Values of the holes of a text that satisfies the constraint. */
  readonly values: Readonly<Record<string, string>>;
  /** In tokens of whole characters; undefined where these cannot write any such text. */
  readonly plan: TextPlan | undefined;
  /** In all tokens, once a text has needed that: few ever do. */
  full?: { readonly plan: TextPlan | undefined };
}

function prepareRequest(
  request: GenerationRequest,
  context: number,
  encoder: Encoder,
  whole: Vocabulary,
): PreparedRequest {
  const compiled = compileConstraint(request, { context });
  const decision = decide(compiled, {
    tokens: Math.min(compiled.tokens.max, context),
    longestTokenBytes: whole.longestToken,
  });
  if (!decision.satisfiable) throw unsatisfiable(decision.conflict, decision.achievable);
  const { witness } = decision;
  const values = compiled.plan.segments === undefined ? { '': witness } : check(request, witness).holes;
  return { compiled, values, plan: planIn(whole, compiled, encoder, values) };
}

function planIn(
  vocabulary: Vocabulary,
  compiled: CompiledConstraint,
  encoder: Encoder,
  values: Readonly<Record<string, string>>,
): TextPlan | undefined {
  try {
    return planText(compiled, encoder, vocabulary, values);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw problem('limit_exceeded', `The constraint is too large to run: ${error.message}.`, { pointer: '' });
  }
}

function prepareText(
  prepared: PreparedRequest,
  encoder: Encoder,
  pieces: () => Vocabulary,
  random: (draw: number) => number,
): TextConstraint {
  const { compiled, values, plan } = prepared;
  if (plan !== undefined) {
    const layout = drawLayout(plan, random);
    if (layout !== undefined) return constraintOf(plan, layout);
  }
  prepared.full ??= { plan: planIn(pieces(), compiled, encoder, values) };
  const full = prepared.full.plan;
  if (full === undefined) throw tooFewTokens(compiled);
  const layout = drawLayout(full, random) ?? witnessLayout(full, values, compiled, encoder);
  if (layout === undefined) throw tooFewTokens(compiled);
  return constraintOf(full, layout);
}

function constraintOf(plan: TextPlan, layout: Layout): TextConstraint {
  let lattice = layout.lattice;
  let proposer: Proposer | undefined;
  let settled = false;
  return {
    positions: layout.positions,
    fixed: layout.fixed,
    propose(canvas, rows, draw) {
      if (!settled) {
        settled = true;
        if (plan.openEnd) lattice = settleEnd(lattice, canvas, rows, draw, plan.holes.at(-1)!.typical.min);
        proposer = createProposer(lattice);
      }
      proposer ??= createProposer(lattice);
      const { tokens, confidence, certainty } = proposer.propose(canvas, rows, draw);
      const { positions } = rows;
      return {
        positions,
        tokens: positions.map((position) => tokens[position]),
        confidence: Float64Array.from(positions, (position) => confidence[position]),
        certainty: certainty && Float64Array.from(positions, (position) => certainty[position]),
        forced: Uint8Array.from(positions, (position) => (position >= lattice.endUntil ? 1 : 0)),
      };
    },
    choiceProbabilities(canvas, rows) {
      const utf8 = new TextEncoder();
      proposer ??= createProposer(lattice);
      const found: Record<string, ChoiceProbability[]> = {};
      for (const [h, choices] of plan.choices.entries()) {
        if (choices === undefined) continue;
        const bytes = choices.map((choice) => utf8.encode(plan.leads[h] + choice));
        const shares = proposer.choiceProbabilities(canvas, rows, h, bytes, plan.vocabulary);
        found[plan.names[h] || 'text'] = choices.map((choice, i) => ({ choice, probability: shares[i] }));
      }
      return found;
    },
    reading(positions, choices) {
      const spelled = choices
        ? plan.choices.flatMap((list, h) => list?.map((choice) => plan.leads[h] + choice) ?? [])
        : [];
      return readingOf(lattice, positions, spelled, plan.vocabulary);
    },
    settledEnd: () => (lattice === layout.lattice ? undefined : lattice.endUntil),
    takeUp(end) {
      settled = true;
      lattice = end === undefined ? layout.lattice : settledAt(layout.lattice, end);
      proposer = undefined;
    },
    finish(canvas) {
      const holes: Record<string, string> = {};
      const holeTokens: Record<string, number> = {};
      plan.names.forEach((name, h) => {
        if (name === '') return;
        const value = canvas.subarray(layout.firsts[h], layout.firsts[h] + layout.lengths[h]);
        holes[name] = plan.decode(value).slice(plan.leads[h].length);
        holeTokens[name] = value.reduce((count, token) => (token === plan.eos ? count : count + 1), 0);
      });
      return { text: plan.decode(canvas), holes, holeTokens };
    },
  };
}

function tooFewTokens({ tokens: { min, max } }: CompiledConstraint): ProblemError {
  return problem(
    'unsatisfiable_constraints',
    `No text of ${min} to ${max} tokens was found that satisfies all constraints; allow more tokens with length.`,
    { pointer: '/length', achievable: `more than ${max} tokens` },
  );
}
