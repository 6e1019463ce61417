/**
 * The service's loop against the plain loop of PyTorch users (training/reference_loop.py): same weights, same cores, one text at a time.
 */
import {
  type Asked,
  generateTexts,
  openEngine,
  python,
  type Score,
  type ScoredLine,
  STYLES,
  scoreTexts,
  TOKENS,
} from './generated-texts.ts';
import { type Bar, type BenchOptions, median, type Report, type Row, spread } from './report.ts';

const FEW_STEPS = 32;

const METHOD = `Texts of exactly ${TOKENS} tokens, one after the other: LLaDA's generate in PyTorch (float32, the whole canvas as one block, ${TOKENS} or ${FEW_STEPS} \
steps, temperature 1), and the engine at the same steps in float32 and int8, and at its efforts. Each style's texts are made by all in \
turn, so that they share the machine's moods. tokens_per_second is the median over styles. Perplexity as in the sampler bench.`;

interface Contestant {
  readonly runs: 'float32' | 'int8' | 'PyTorch';
  /** Of the plain loop. */
  readonly steps: number;
  readonly asked: Asked;
}

const plain = (runs: Contestant['runs'], steps: number): Contestant => ({
  runs,
  steps,
  asked: { temperature: 1, diffusion: { sampler: 'low-confidence', steps } },
});

const REFERENCE = `PyTorch, ${TOKENS} steps`;
const REFERENCE_FEW = `PyTorch, ${FEW_STEPS} steps`;
const FLOAT_FEW = `float32, ${FEW_STEPS} steps`;
const INT8_FEW = `int8, ${FEW_STEPS} steps`;

const CONTESTANTS: Readonly<Record<string, Contestant>> = {
  [REFERENCE]: plain('PyTorch', TOKENS),
  [REFERENCE_FEW]: plain('PyTorch', FEW_STEPS),
  [FLOAT_FEW]: plain('float32', FEW_STEPS),
  [`int8, ${TOKENS} steps`]: plain('int8', TOKENS),
  [INT8_FEW]: plain('int8', FEW_STEPS),
  [`int8, ${FEW_STEPS} steps, spacing 8, temperature 0.8`]: {
    runs: 'int8',
    steps: FEW_STEPS,
    asked: { temperature: 0.8, diffusion: { sampler: 'low-confidence', steps: FEW_STEPS, spacing: 8 } },
  },
  'int8, balanced': { runs: 'int8', steps: FEW_STEPS, asked: {} },
};

/** The plain loop's texts of one style, seeds from 0 up, and the seconds they took. */
async function plainLoop(
  { model, threads }: BenchOptions,
  style: string,
  steps: number,
  texts: number,
): Promise<{ readonly texts: readonly string[]; readonly seconds: number }> {
  const jobs = Array.from({ length: texts }, (_, seed) => {
    return { style, tokens: TOKENS, steps, block: TOKENS, temperature: 1, seed };
  });
  const output = await python('training.reference_loop', ['--model', model, '--threads', String(threads)], jobs);
  const made = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; seconds: number });
  return { texts: made.map(({ text }) => text), seconds: made.reduce((sum, { seconds }) => sum + seconds, 0) };
}

/** @throws Error where no scorer is given */
export async function run(options: BenchOptions): Promise<Report> {
  const { scorer, threads, cacheFolder, textsPerStyle: perStyle } = options;
  if (scorer === undefined)
    throw new Error('--scorer FOLDER is needed: the autoregressive twin, trained as docs/training.md says');
  const open = (precision: 'float32' | 'int8') =>
    openEngine(options.model, { device: 'cpu', precision, threads, cacheFolder });
  const engines = { float32: await open('float32'), int8: await open('int8') };
  const lines: ScoredLine[] = [];
  const speeds: Record<string, number[]> = Object.fromEntries(Object.keys(CONTESTANTS).map((name) => [name, []]));
  for (const style of STYLES) {
    for (const [name, { runs, steps, asked }] of Object.entries(CONTESTANTS)) {
      const made =
        runs === 'PyTorch'
          ? await plainLoop(options, style, steps, perStyle)
          : await generateTexts(engines[runs], name, asked, { perStyle, atOnce: 1, styles: [style] });
      const texts = 'texts' in made ? made.texts : made.lines.map(({ text }) => text);
      for (const text of texts) lines.push({ set: name, style, text });
      speeds[name].push((TOKENS * perStyle) / made.seconds);
    }
    console.error(`${style} is done`);
  }
  for (const { model } of Object.values(engines)) await model.session.release();
  const scores = await scoreTexts(scorer, lines);
  const rows = Object.keys(CONTESTANTS).map(
    (name): Row => ({
      loop: name,
      tokens_per_second: median(speeds[name]),
      spread: spread(speeds[name]),
      ...scores[name],
    }),
  );
  return { bench: 'reference', method: METHOD, rows, bars: bars(speeds, scores) };
}

/** Ratios are medians over styles. */
function bars(speeds: Readonly<Record<string, readonly number[]>>, scores: Readonly<Record<string, Score>>): Bar[] {
  const times = (name: string, other: string) => median(speeds[name].map((speed, i) => speed / speeds[other][i]));
  const { perplexity, repeated_4: repeated } = scores[REFERENCE];
  const equal = Object.keys(CONTESTANTS).filter(
    (name) =>
      CONTESTANTS[name].runs !== 'PyTorch' &&
      scores[name].perplexity <= 1.05 * perplexity &&
      scores[name].repeated_4 <= 1.05 * repeated,
  );
  const best = Math.max(0, ...equal.map((name) => times(name, REFERENCE)));
  const atLeast = (what: string, value: number, bound: number): Bar => ({
    what,
    value,
    bound: `at least ${bound}`,
    holds: value >= bound,
  });
  return [
    atLeast('tokens per second over the plain loop at its perplexity and repetition (within 5%)', best, 10),
    atLeast(
      `tokens per second over the plain loop at equal steps (${FEW_STEPS}), int8`,
      times(INT8_FEW, REFERENCE_FEW),
      3,
    ),
    atLeast(`the same in float32`, times(FLOAT_FEW, REFERENCE_FEW), 1),
  ];
}
