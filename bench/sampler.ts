/**
 * Quality against model evaluations: texts of every sampler at several numbers of steps and of every effort, scored.
 */
import { DEFAULT_EFFORT } from '../shared/contract/effort.ts';
import { EFFORTS, SAMPLERS, type SamplerName } from '../shared/contract/generation.ts';
import {
  type Asked,
  type Generated,
  generateTexts,
  openEngine,
  type Score,
  scoreTexts,
  TOKENS,
} from './generated-texts.ts';
import type { Bar, BenchOptions, Report, Row } from './report.ts';

const AT_ONCE = 16;
const STEPS = [16, 32, 64, 128];
/** At this many steps the samplers that keep what they are sure of hardly ever reach the ceiling. */
const CEILING = [128];
const SURE: readonly SamplerName[] = ['threshold', 'factor', 'entropy-bounded', 'klass'];
/** What every sampler is measured with: a penalty that keeps a small model from repeating itself, and a temperature between. */
/** The efforts are what most texts are made with, and what the bars are about: so many times as many of theirs. */
const EFFORT_TEXTS = 4;
const COMMON = { temperature: 0.8, repetition_penalty: 1.5 };

const METHOD = `Texts of exactly ${TOKENS} tokens in eight styles through the engine, ${AT_ONCE} at a time; samplers at temperature ${COMMON.temperature} and repetition \
penalty ${COMMON.repetition_penalty}, efforts with their own settings. Perplexity per token under the scorer (an autoregressive model that is not shipped), with the \
standard error over texts; entropy of the pooled tokens in nats; share of different pairs; share of 4-grams that occurred earlier \
in their text. Low perplexity alone can be had by repeating oneself: read it beside the others.`;

/** Every set of texts by name. */
function sets(): Record<string, Asked> {
  const all: Record<string, Asked> = {};
  for (const effort of EFFORTS) all[`effort ${effort}`] = { diffusion: { effort } };
  const { temperature, repetition_penalty } = COMMON;
  for (const sampler of SAMPLERS) {
    for (const steps of SURE.includes(sampler) ? CEILING : STEPS) {
      all[`${sampler} ${steps}`] = { temperature, diffusion: { sampler, steps, repetition_penalty } };
    }
  }
  for (const spacing of [2, 4, 8]) {
    const diffusion = { sampler: 'low-confidence', steps: 32, spacing, repetition_penalty } as const;
    all[`low-confidence 32, spacing ${spacing}`] = { temperature, diffusion };
  }
  for (const [block, kv_cache] of [
    [32, 'none'],
    [32, 'prefix'],
    [32, 'dual'],
    [64, 'none'],
    [64, 'dual'],
  ] as const) {
    const diffusion = { sampler: 'low-confidence', steps: 64, block, kv_cache, repetition_penalty } as const;
    all[`low-confidence 64, block ${block}, cache ${kv_cache}`] = { temperature, diffusion };
  }
  return all;
}

/** @throws Error where no scorer is given: perplexity is under an autoregressive model of the trainer */
export async function run(options: BenchOptions): Promise<Report> {
  if (options.scorer === undefined)
    throw new Error('--scorer FOLDER is needed: the autoregressive twin, trained as docs/training.md says');
  const { threads, cacheFolder } = options;
  const opened = await openEngine(options.model, { device: 'cpu', precision: 'int8', threads, cacheFolder });
  const made: Record<string, Generated> = {};
  const parts = options.only?.split(',') ?? [''];
  for (const [name, asked] of Object.entries(sets()).filter(([name]) => parts.some((part) => name.includes(part)))) {
    const perStyle = options.textsPerStyle * (name.startsWith('effort ') ? EFFORT_TEXTS : 1);
    made[name] = await generateTexts(opened, name, asked, { perStyle, atOnce: AT_ONCE });
    console.error(`${name}: ${made[name].seconds.toFixed(0)} s`);
  }
  await opened.model.session.release();
  const scores = await scoreTexts(
    options.scorer,
    Object.values(made).flatMap(({ lines }) => lines),
  );
  const rows = Object.entries(made).map(([name, set]): Row => {
    const texts = set.lines.length;
    return {
      set: name,
      ...scores[name],
      denoising_steps: set.denoisingSteps / texts,
      model_evaluations: set.modelEvaluations / texts,
      positions_evaluated: set.positionsEvaluated / texts,
      committed_per_step: set.committed / set.denoisingSteps,
      committed_per_evaluation: (TOKENS * texts) / set.modelEvaluations,
      tokens_per_second: Math.round((TOKENS * texts) / set.seconds),
    };
  });
  return { bench: 'sampler', method: METHOD, rows, bars: bars(rows, scores) };
}

/** The bars are about the efforts; none where they were not made. */
function bars(rows: readonly Row[], scores: Readonly<Record<string, Score>>): Bar[] {
  const balanced = rows.find(({ set }) => set === `effort ${DEFAULT_EFFORT}`);
  if (balanced === undefined || scores['effort best'] === undefined) return [];
  const committed = Number(balanced.committed_per_evaluation);
  const ratio = scores[`effort ${DEFAULT_EFFORT}`].perplexity / scores['effort best'].perplexity;
  return [
    {
      what: 'tokens committed per model evaluation, balanced',
      value: committed,
      bound: 'at least 4',
      holds: committed >= 4,
    },
    {
      what: 'perplexity of balanced over that of one token a step (best)',
      value: ratio,
      bound: 'at most 1.05',
      holds: ratio <= 1.05,
    },
  ];
}
