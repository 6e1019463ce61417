/**
 * From a request to the constraint of one text: compile, decide, lift, lay out. Whatever cannot be written is refused here,
 * before the model runs.
 */
import { check } from '../../shared/constraints/check.ts';
import { type CompiledConstraint, compileConstraint } from '../../shared/constraints/compile.ts';
import { decide } from '../../shared/constraints/feasibility.ts';
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import type { Manifest } from '../../shared/contract/manifest.ts';
import { problem } from '../../shared/contract/problem.ts';
import { buildFrame } from './assemble.ts';
import { drawLayout, type Layout } from './layout.ts';
import { planText, type TextPlan, witnessLayout } from './plan.ts';
import { createProposer, type Draw, type ProposalRows } from './propose.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What a lattice needs of a tokenizer. */
export interface Encoder {
  encode(text: string): Int32Array;
}

/** The constraint of one text, as the loop sees it (gpu-backend/denoise/constraint.ts). */
export interface PreparedConstraint {
  /** Text positions of the canvas, the closing end-of-text token included. */
  readonly positions: number;
  /** Tokens that stand before the first step, -1 where masked. */
  readonly fixed: Int32Array;
  propose(
    canvas: Int32Array,
    rows: ProposalRows,
    draw: Draw,
  ): { positions: Int32Array; tokens: Int32Array; confidence: Float64Array };
  finish(canvas: Int32Array): { text: string; holes: Record<string, string> };
}

/** Everything about a request's constraint that neither seed nor text number changes. */
export interface PreparedRequest {
  readonly compiled: CompiledConstraint;
  readonly witness: string;
  readonly plan: TextPlan;
}

/**
 * Compiles a request and proves that it can be satisfied with at most `context` positions.
 * Throws ProblemError: unsatisfiable_constraints with the smallest conflict, limit_exceeded, unsupported_constraint ...
 */
export function prepareRequest(
  request: GenerationRequest,
  manifest: Manifest,
  encoder: Encoder,
  vocabulary: Vocabulary,
): PreparedRequest {
  const compiled = compileConstraint(request, { context: manifest.context });
  const decision = decide(compiled, { tokens: compiled.tokens.max, longestTokenBytes: vocabulary.longestToken });
  if (!decision.satisfiable) {
    throw problem('unsatisfiable_constraints', `These constraints cannot hold together: ${decision.achievable}`, {
      pointer: decision.conflict[0] ?? '',
      conflict: decision.conflict,
      achievable: decision.achievable,
    });
  }
  try {
    const plan = planText(compiled, encoder, vocabulary, buildFrame);
    if (plan !== undefined) return { compiled, witness: decision.witness, plan };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw problem('limit_exceeded', `The constraint is too large to run: ${error.message}.`, { pointer: '' });
  }
  throw tooFewTokens(compiled);
}

/** The constraint of one text. `random(draw)` settles the layout: uniform in (0, 1). */
export function prepareText(
  { compiled, witness, plan }: PreparedRequest,
  request: GenerationRequest,
  encoder: Encoder,
  random: (draw: number) => number,
): PreparedConstraint {
  const layout = drawLayout(plan, random) ?? witnessLayout(plan, check(request, witness).holes, compiled, encoder);
  if (layout === undefined) throw tooFewTokens(compiled);
  return constraintOf(plan, layout);
}

function constraintOf(plan: TextPlan, layout: Layout): PreparedConstraint {
  const proposer = createProposer(layout.lattice);
  return {
    positions: layout.positions,
    fixed: layout.fixed,
    propose(canvas, rows, draw) {
      if (layout.lattice.holes.length === 0) throw new Error('nothing is masked');
      const { tokens, confidence } = proposer.propose(canvas, rows, draw);
      const { positions } = rows;
      return {
        positions,
        tokens: positions.map((position) => tokens[position]),
        confidence: Float64Array.from(positions, (position) => confidence[position]),
      };
    },
    finish(canvas) {
      const holes: Record<string, string> = {};
      plan.names.forEach((name, h) => {
        const value = canvas.subarray(layout.firsts[h], layout.firsts[h] + layout.lengths[h]);
        if (name !== '') holes[name] = plan.decode(value).slice(plan.leads[h].length);
      });
      return { text: plan.decode(canvas), holes };
    },
  };
}

function tooFewTokens(compiled: CompiledConstraint) {
  const { min, max } = compiled.tokens;
  return problem(
    'unsatisfiable_constraints',
    `No text of ${min} to ${max} tokens was found that satisfies all constraints; allow more tokens with length.`,
    { pointer: '/length', achievable: `more than ${max} tokens` },
  );
}
