/**
 * How good decisions are: accuracy and calibration on held-out questions, before and after the prior is divided out and a temperature is
 * fitted, beside what needs no model. The temperatures it prints are for the manifest.
 */
import type { Engine } from '../gpu-backend/engine/engine.ts';
import { eagerReader } from '../gpu-backend/engine/reader.ts';
import { optionsOf } from '../shared/contract/questions.ts';
import { type Forecast, fitTemperature, qualityOf, tempered } from './calibration.ts';
import { type DecisionTask, decisionTasks, type LabelledCase } from './decision-tasks.ts';
import { openEngine } from './generated-texts.ts';
import type { Bar, BenchOptions, Report, Row } from './report.ts';

const AT_ONCE = 8;
const METHOD = `Questions over held-out texts of the corpus, through the engine. Every second case fits (class frequencies, temperature: one for all tasks), the \
others are counted. nll is the mean negative log likelihood of the right option in nats, brier the mean sum of squared errors, ece the expected \
calibration error in ten bins. chance: all options alike. frequencies: always the class frequencies of the fitting half. plain: the model's \
probabilities; prior: divided by those without the state. "tempered": at the fitted temperature. "all" is the mean over tasks, and the ece of all cases together.`;

interface Halves {
  readonly fit: readonly Forecast[];
  readonly counted: readonly Forecast[];
}

type Methods = Readonly<Record<'chance' | 'frequencies' | 'plain' | 'prior', Halves>>;

/** @throws Error where no corpus is given */
export async function run({ corpus, model, threads, cacheFolder }: BenchOptions): Promise<Report> {
  if (corpus === undefined)
    throw new Error('--corpus FOLDER is needed: the folder with valid.jsonl.xz (docs/training.md)');
  const tasks = await decisionTasks(corpus);
  const opened = await openEngine(model, { device: 'cpu', precision: 'int8', threads, cacheFolder });
  const measured: { readonly task: string; readonly methods: Methods }[] = [];
  for (const task of tasks) {
    measured.push({ task: task.task, methods: await measure(opened.engine, opened.model.manifest.id, task) });
  }
  await opened.model.session.release();
  const fitted = (method: 'plain' | 'prior') => fitTemperature(measured.map(({ methods }) => methods[method].fit));
  const temperature = { plain: fitted('plain'), prior: fitted('prior') };
  const judged = measured.map(({ task, methods }) => ({ task, ways: waysOf(methods, temperature) }));
  const rows = judged.flatMap(({ task, ways }) => ways.map((way) => rowOf(task, way)));
  const means = meansOf(
    rows,
    judged.flatMap(({ ways }) => ways),
  );
  return {
    bench: 'decisions',
    method: `${METHOD} Fitted: ${JSON.stringify({ temperature }, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(3)) : value))}.`,
    rows: [...rows, ...means],
    bars: bars(means),
  };
}

async function measure(engine: Engine, model: string, { cases }: DecisionTask): Promise<Methods> {
  const halves = (forecasts: readonly Forecast[]): Halves => ({
    fit: forecasts.filter((_, i) => i % 2 === 0),
    counted: forecasts.filter((_, i) => i % 2 === 1),
  });
  const known = halves(cases.map(({ right }) => ({ probabilities: [], right })));
  const options = optionsOf(cases[0].question).length;
  // One more of each, so that none is held to be impossible.
  const frequencies = Array.from(
    { length: options },
    (_, k) => (known.fit.filter(({ right }) => right === k).length + 1) / (known.fit.length + options),
  );
  const always = (probabilities: readonly number[]) => halves(cases.map(({ right }) => ({ probabilities, right })));
  return {
    chance: always(new Array(options).fill(1 / options)),
    frequencies: always(frequencies),
    plain: halves(await answers(engine, model, cases, false)),
    prior: halves(await answers(engine, model, cases, true)),
  };
}

async function answers(
  engine: Engine,
  model: string,
  cases: readonly LabelledCase[],
  prior: boolean,
): Promise<Forecast[]> {
  const { signal } = new AbortController();
  const forecasts: Forecast[] = new Array(cases.length);
  let next = 0;
  const work = async () => {
    for (let i = next++; i < cases.length; i = next++) {
      const { state, question, right } = cases[i];
      const decision = { state, questions: [question], order: false, prior };
      const request = { model, seed: 0, n: 1, decision };
      for await (const event of engine.generate({ id: `case-${i}`, request }, eagerReader(signal))) {
        if (event.type !== 'done') continue;
        const probabilities = event.choice_probabilities!.text.map(({ probability }) => probability);
        forecasts[i] = { probabilities, right };
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return forecasts;
}

/** What is counted of one task under one method. */
interface Way {
  readonly method: string;
  readonly forecasts: readonly Forecast[];
}

function waysOf(
  { chance, frequencies, plain, prior }: Methods,
  temperature: Readonly<Record<'plain' | 'prior', number>>,
): Way[] {
  return [
    { method: 'chance', forecasts: chance.counted },
    { method: 'frequencies', forecasts: frequencies.counted },
    { method: 'plain', forecasts: plain.counted },
    { method: 'plain, tempered', forecasts: tempered(plain.counted, temperature.plain) },
    { method: 'prior', forecasts: prior.counted },
    { method: 'prior, tempered', forecasts: tempered(prior.counted, temperature.prior) },
  ];
}

function rowOf(task: string, { method, forecasts }: Way): Row {
  const quality = qualityOf(forecasts);
  // Of options that are all alike the first would be taken for the best.
  const accuracy = method === 'chance' ? forecasts[0].probabilities[0] : quality.accuracy;
  return { task, method, cases: forecasts.length, ...quality, accuracy };
}

/** All tasks together: their mean, every task weighing alike. Only of the calibration error few cases say little: it is that of all cases. */
function meansOf(rows: readonly Row[], ways: readonly Way[]): Row[] {
  const methods = [...new Set(ways.map(({ method }) => method))];
  return methods.map((method) => {
    const own = rows.filter((row) => row.method === method);
    const mean = (name: string) => own.reduce((sum, row) => sum + Number(row[name]), 0) / own.length;
    const pooled = ways.filter((way) => way.method === method).flatMap(({ forecasts }) => forecasts);
    const { ece } = qualityOf(pooled);
    const means = { accuracy: mean('accuracy'), nll: mean('nll'), brier: mean('brier') };
    return { task: 'all', method, cases: pooled.length, ...means, ece };
  });
}

function bars(means: readonly Row[]): Bar[] {
  const of = (method: string, name: string) => Number(means.find((row) => row.method === method)?.[name]);
  const [nll, chance] = [of('prior, tempered', 'nll'), of('chance', 'nll')];
  const [raw, fitted] = [of('prior', 'ece'), of('prior, tempered', 'ece')];
  return [
    {
      what: 'nll over all tasks, prior and tempered',
      value: nll,
      bound: `below chance, ${chance.toPrecision(4)}`,
      holds: nll < chance,
    },
    {
      what: 'ece over all tasks, prior and tempered',
      value: fitted,
      bound: `at most that before, ${raw.toPrecision(4)}`,
      holds: fitted <= raw,
    },
  ];
}
