/**
 * How much work a job will be, before anything of it is prepared: jobs that wait are to cost a few kilobytes, not an automaton each.
 *
 * A guess from the request's own numbers, corrected by what jobs of the same shape turned out to be. The unit is the model's: positions
 * evaluated, padding and twins included, times parameters.
 */
import { DEFAULT_POSITIONS } from '../../shared/constraints/token-bounds.ts';
import { denoisingOf } from '../../shared/contract/effort.ts';
import type { GenerationJob, GenerationRequest, LengthSpec } from '../../shared/contract/generation.ts';
import { type DecisionSpec, evaluationsOf } from '../../shared/contract/questions.ts';

/** A job's request, as far as its work depends on it. */
type Request = GenerationRequest & Pick<GenerationJob['request'], 'decision'>;

export interface Predictor {
  /** Work of all texts of a request, for a model of so many parameters. */
  predict(request: Request, parameters: number): number;
  /** What the work of a finished request came to. */
  learn(request: Request, parameters: number, work: number): void;
}

// Weight of the newest job of a shape in the mean of the logarithms of what jobs came to over their guess.
const NEWEST = 0.2;
// A guess is seldom too low by more: what is, is one odd job, and must not make all of its shape look like hours of work.
const MOST = Math.log(4);
// In the training corpus a token has 4.2 characters, a word takes 1.35 tokens, a sentence 17 (lattice/typical.ts).
const CHARACTERS_PER_TOKEN = 4;
const TOKENS_PER: Readonly<Record<LengthSpec['unit'], number>> = {
  tokens: 1,
  characters: 1 / CHARACTERS_PER_TOKEN,
  words: 1.35,
  sentences: 17,
};

export function createPredictor(): Predictor {
  /** log(work / guess), by shape. There are as many shapes as combinations of a few names. */
  const corrections = new Map<string, number>();
  return {
    predict: (request, parameters) => guess(request) * parameters * Math.exp(corrections.get(shapeOf(request)) ?? 0),
    learn(request, parameters, work) {
      if (work === 0) return; // nothing was masked
      const shape = shapeOf(request);
      const ratio = Math.min(MOST, Math.log(work / (guess(request) * parameters)));
      const before = corrections.get(shape) ?? ratio;
      corrections.set(shape, before + NEWEST * (ratio - before));
    },
  };
}

const SHAPING = ['template', 'length', 'include', 'regex', 'json_schema', 'choices'] as const;

/** What decides how far off a guess is: the kinds of constraints, and how steps and evaluations are saved. */
function shapeOf(request: Request): string {
  if (request.decision !== undefined) return 'decision';
  const { sampler, effort, kv_cache } = request.diffusion ?? {};
  return [...SHAPING.filter((name) => request[name] !== undefined), sampler ?? effort, kv_cache].join(' ');
}

/** Positions evaluated: canvases x length x steps, for each text. */
function guess(request: Request): number {
  if (request.decision !== undefined) return decisionTokens(request.decision);
  const text = textTokens(request);
  const facts = Object.entries(request.facts ?? {}).map(([key, value]) => `${key}: ${value}; `.length);
  const conditioning = (request.prompt?.length ?? 0) + facts.reduce((sum, length) => sum + length, 0);
  const strength = typeof request.style === 'object' ? request.style.strength : 0;
  const canvases = (request.diffusion?.guidance ?? strength ?? 0) > 0 ? 2 : 1;
  const length = text + conditioning / CHARACTERS_PER_TOKEN;
  return (request.n ?? 1) * canvases * length * denoisingOf(request).stepsFor(Math.ceil(text));
}

/** Every question has canvases of its own, with the state on them; options are short beside it. */
function decisionTokens(spec: DecisionSpec): number {
  const state = typeof spec.state === 'string' ? spec.state : JSON.stringify(spec.state);
  return spec.questions.reduce(
    (sum, question) =>
      sum + (evaluationsOf(question, spec, true) * (state.length + question.question.length)) / CHARACTERS_PER_TOKEN,
    0,
  );
}

/**
 * Tokens of a text: the least of its stated upper ends, but no fewer than it must have; else its longest choice; else what it gets by
 * default and what its template needs.
 */
function textTokens({ length, template = '', choices }: GenerationRequest): number {
  const lengths = [length ?? []].flat();
  const ends = lengths.flatMap(({ unit, exact, max }) => {
    const end = exact ?? max;
    return end === undefined ? [] : [Math.max(1, end * TOKENS_PER[unit])];
  });
  const least = lengths.map(({ unit, exact, min = 0 }) => (exact ?? min) * TOKENS_PER[unit]);
  if (ends.length > 0) return Math.max(Math.min(...ends), ...least);
  if (choices !== undefined) return Math.max(...choices.map((choice) => choice.length)) / CHARACTERS_PER_TOKEN + 1;
  return Math.max(DEFAULT_POSITIONS, template.length / CHARACTERS_PER_TOKEN, ...least);
}
