/**
 * Answers one question: every canvas is evaluated once, all of them side by side, and nothing is denoised.
 */
import type { StepEvent, Usage } from '../../shared/contract/stream.ts';
import { optionLogs, optionReading } from '../lattice/options.ts';
import { buildVocabulary, type Vocabulary } from '../lattice/vocabulary.ts';
import type { LoadedModel } from '../model/registry.ts';
import { type Logs, optionProbabilities } from './debias.ts';
import type { DecisionTask } from './decision.ts';
import type { Evaluate, Need } from './need.ts';
import type { OptionCanvas } from './option-canvas.ts';
import { paddedLengthOf } from './padded-length.ts';

/** A question that was answered. */
export interface Decided {
  /** Of the options, in their order; they sum to 1. */
  readonly probabilities: readonly number[];
  readonly usage: Usage;
}

/** Answers a question. An evaluation counts as a step, and is told as one. */
export async function* decide(task: DecisionTask, evaluate: Evaluate): AsyncGenerator<StepEvent, Decided> {
  const { index, readings, positions, evaluations } = task;
  const weigh = async (canvas: OptionCanvas): Promise<Logs> => {
    const answer = await evaluate(needOf(canvas, task.model));
    // Read at once: the next evaluation of any text may overwrite the rows.
    return logsOf(canvas, answer, task.model);
  };
  const weighed = await Promise.all(
    readings.map(async ({ known, unknown }) => {
      const [logs, prior] = await Promise.all([weigh(known), unknown && weigh(unknown)]);
      return { logs, prior };
    }),
  );
  for (let step = 1; step <= evaluations; step++) {
    yield { type: 'step', index, step, committed: [], remasked: [], masks_left: evaluations - step };
  }
  const canvases = readings.flatMap(({ known, unknown }) => [known, unknown ?? []].flat());
  return {
    probabilities: optionProbabilities(weighed, task.temperature),
    usage: {
      positions,
      denoising_steps: evaluations,
      model_evaluations: evaluations,
      positions_evaluated: canvases.reduce((sum, { ids }) => sum + ids.length, 0),
      committed_per_step: 0,
    },
  };
}

function needOf({ ids, first, masks, spelled }: OptionCanvas, { manifest, session, tokenizer }: LoadedModel): Need {
  const reading = session.reducer && {
    ...optionReading(masks, spelled, vocabularyOf(tokenizer, manifest.tokens.eos)),
    ...{ entropies: false, factors: new Map<number, number>(), eos: manifest.tokens.eos },
  };
  return {
    ids,
    // What stands at a position is said one before where the model was autoregressive once.
    rows: Int32Array.from({ length: masks }, (_, i) => first + i - manifest.shift),
    paddedLength: Math.min(paddedLengthOf(ids.length), manifest.context),
    guidance: 0,
    inverseTemperature: 1,
    reading,
  };
}

function logsOf(
  { first, masks, spelled }: OptionCanvas,
  answer: Awaited<ReturnType<Evaluate>>,
  { manifest, session, tokenizer }: LoadedModel,
): Logs {
  const positions = Int32Array.from({ length: masks }, (_, i) => first + i);
  const probabilities = answer instanceof Float32Array ? answer : new Float32Array(0);
  const summaries = answer instanceof Float32Array ? undefined : answer;
  const rows = { positions, vocabulary: session.vocabulary, probabilities, summaries };
  return optionLogs(rows, spelled, vocabularyOf(tokenizer, manifest.tokens.eos));
}

const vocabularies = new WeakMap<LoadedModel['tokenizer'], Vocabulary>();

/** All tokens, pieces of characters among them: an option may hold any character. */
function vocabularyOf(tokenizer: LoadedModel['tokenizer'], eos: number): Vocabulary {
  let vocabulary = vocabularies.get(tokenizer);
  if (vocabulary === undefined) {
    const bytes = Array.from({ length: tokenizer.size }, (_, id) => tokenizer.tokenBytes(id));
    vocabulary = buildVocabulary(bytes, eos);
    vocabularies.set(tokenizer, vocabulary);
  }
  return vocabulary;
}
