/**
 * The constraint engine: does every text hold what was asked for, how long does deciding take, and what does a constrained
 * step cost on top of a plain one?
 */
import * as v from 'valibot';
import { checkText } from '../gpu-backend/check.ts';
import { denoise } from '../gpu-backend/denoise/loop.ts';
import type { Evaluate } from '../gpu-backend/denoise/need.ts';
import { prepareTasks, type Task } from '../gpu-backend/denoise/task.ts';
import { createPreparer } from '../gpu-backend/lattice/prepare.ts';
import { type LoadedModel, openModel } from '../gpu-backend/model/registry.ts';
import { compileConstraint } from '../shared/constraints/compile.ts';
import { decide } from '../shared/constraints/feasibility.ts';
import { type GenerationJob, type GenerationRequest, generationSchema } from '../shared/contract/generation.ts';
import { ProblemError } from '../shared/contract/problem.ts';
import { costRows } from './constraint-cost.ts';
import { HOSTILE_REQUESTS } from './hostile-requests.ts';
import { KINDS, type Kind, randomRequest, randomSchedule, seeded } from './random-requests.ts';
import { type Bar, type BenchOptions, median, type Report, type Row } from './report.ts';

/** Texts generated over all kinds. */
const TEXTS = Number(process.env.BENCH_TEXTS ?? 2_200);
/** Requests drawn for each text at most: some cannot be satisfied. */
const MOST_ATTEMPTS = 4;

const METHOD =
  `${TEXTS} seeded random requests over all kinds of constraints, temperatures 0 to 1.5, 1 to 16 tokens kept a step, every ` +
  'sampler, on the real model (int8); each text goes through the independent checker. Requests that cannot be satisfied are ' +
  'refused and counted apart. Times are milliseconds of wall clock in one process: compile and decide as the edge runs them, ' +
  'propose is one proposal of the lattice.';

interface Tally {
  texts: number;
  accepted: number;
  refused: number;
  readonly compile: number[];
  readonly decide: number[];
  readonly propose: number[];
}

export async function run(options: BenchOptions): Promise<Report> {
  const { threads, cacheFolder } = options;
  const model = await openModel(options.model, { device: 'cpu', precision: 'int8', threads, cacheFolder });
  const tallies = new Map<Kind, Tally>(KINDS.map((kind) => [kind, newTally()]));
  const failures: string[] = [];
  const random = seeded(20_261_124);
  for (let attempt = 0, done = 0; done < TEXTS && attempt < MOST_ATTEMPTS * TEXTS; attempt++) {
    const kind = KINDS[attempt % KINDS.length];
    const tally = tallies.get(kind)!;
    const schedule = randomSchedule(random);
    const request = randomRequest(kind, random);
    const positions = 48;
    const steps = Math.max(1, Math.ceil(positions / schedule.perStep));
    const job = jobOf({ ...request, diffusion: { ...schedule.diffusion, steps } }, model, attempt);
    const task = prepared(job, model, tally);
    if (task === undefined) continue;
    const { text, tokens, holeTokens } = await finish(task, evaluateOn(model), tally.propose);
    const { failed } = checkText(job.request, text, { whole: tokens, holes: holeTokens });
    tally.texts++;
    done++;
    if (failed.length === 0) tally.accepted++;
    else failures.push(`${JSON.stringify(request)} -> ${JSON.stringify(text)}: ${failed[0].detail}`);
  }
  const rows: Row[] = [...tallies].map(([kind, tally]) => ({
    kind,
    texts: tally.texts,
    accepted: tally.accepted,
    refused: tally.refused,
    'compile p50': at(tally.compile, 0.5),
    'compile p95': at(tally.compile, 0.95),
    'decide p50': at(tally.decide, 0.5),
    'decide p95': at(tally.decide, 0.95),
    'propose p50': at(tally.propose, 0.5),
    'propose p95': at(tally.propose, 0.95),
  }));
  for (const failure of failures.slice(0, 5)) console.error(`not accepted: ${failure}`);
  const generated = [...tallies.values()].reduce((sum, tally) => sum + tally.texts, 0);
  const accepted = [...tallies.values()].reduce((sum, tally) => sum + tally.accepted, 0);
  const refusals = await refusalTimes();
  const hostile = hostileTimes();
  const schema = schemaTimes(model);
  const cost = await costRows(model);
  const bars: Bar[] = [
    {
      what: 'texts accepted by the checker, of all generated',
      value: accepted / generated,
      bound: `exactly 1, of at least ${TEXTS}`,
      holds: accepted === generated && generated >= TEXTS,
    },
    {
      what: 'deciding an impossible request, median ms',
      value: median(refusals),
      bound: 'at most 10',
      holds: median(refusals) <= 10,
    },
    {
      what: 'compiling a schema of 8 keys, median ms',
      value: schema.compile,
      bound: 'at most 25',
      holds: schema.compile <= 25,
    },
    {
      what: 'the same with its lift to tokens, median ms',
      value: schema.lifted,
      bound: 'at most 60',
      holds: schema.lifted <= 60,
    },
    {
      what: 'deciding a request made to hurt, worst median ms',
      value: Math.max(...hostile.map(({ ms }) => ms)),
      bound: 'at most 50',
      holds: hostile.every(({ ms }) => ms <= 50),
    },
    ...cost.bars,
  ];
  await model.session.release();
  return {
    bench: 'constraint',
    method: `${METHOD} ${cost.method}`,
    rows: [...rows, ...hostile.map(({ name, ms }) => ({ kind: `hostile: ${name}`, 'decide p50': ms })), ...cost.rows],
    bars,
  };
}

function newTally(): Tally {
  return { texts: 0, accepted: 0, refused: 0, compile: [], decide: [], propose: [] };
}

function jobOf(request: GenerationRequest, model: LoadedModel, id: number): GenerationJob {
  return { id: `bench-${id}`, request: { ...request, model: model.manifest.id, seed: request.seed ?? id } };
}

/** The task of a job, or undefined when it is refused. */
function prepared(job: GenerationJob, model: LoadedModel, tally: Tally): Task | undefined {
  try {
    const started = performance.now();
    const compiled = compileConstraint(job.request, { context: model.manifest.context });
    const between = performance.now();
    const { longestTokenBytes } = model.summary;
    const decision = decide(compiled, { tokens: compiled.tokens.max, longestTokenBytes });
    tally.compile.push(between - started);
    tally.decide.push(performance.now() - between);
    if (!decision.satisfiable) {
      tally.refused++;
      return undefined;
    }
    return prepareTasks(job, model)[0];
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    tally.refused++;
    return undefined;
  }
}

/** Runs a task to its end; the time of each proposal goes into `times`. */
async function finish(task: Task, evaluate: Evaluate, times: number[]) {
  const { constraint } = task;
  const timed: Task = {
    ...task,
    constraint: {
      ...constraint,
      propose(canvas, rows, draw) {
        const started = performance.now();
        const proposal = constraint.propose(canvas, rows, draw);
        times.push(performance.now() - started);
        return proposal;
      },
    },
  };
  const steps = denoise(timed, evaluate);
  let turn = await steps.next();
  while (!turn.done) turn = await steps.next();
  return turn.value;
}

/** One canvas at a time on the real session. */
export function evaluateOn({ session }: LoadedModel): Evaluate {
  return (need) => {
    const ids = new Int32Array(need.paddedLength);
    ids.set(need.ids);
    const inverseTemperature = new Float32Array(need.rows.length).fill(need.inverseTemperature);
    const lengths = Int32Array.of(need.ids.length);
    return session.evaluate({ batch: 1, length: need.paddedLength, ids, lengths, rows: need.rows, inverseTemperature });
  };
}

/** Wall-clock milliseconds to refuse requests that contradict themselves, compilation included. */
async function refusalTimes(): Promise<number[]> {
  const impossible: GenerationRequest[] = [
    {
      template: 'This literal text alone is far too long for the bound: {{x}}',
      length: { unit: 'characters', max: 20 },
    },
    { regex: '[a-z]{40,80}', length: { unit: 'characters', max: 30 } },
    { prompt: 'x', include: ['oak table'], exclude: ['oak'] },
    {
      json_schema: { type: 'object', properties: { a: { type: 'string', minLength: 30 } }, required: ['a'] },
      length: { unit: 'characters', max: 20 },
    },
    {
      prompt: 'x',
      length: [
        { unit: 'words', min: 30 },
        { unit: 'characters', max: 40 },
      ],
    },
    { template: '{{a:words=3}} and {{b:words=4}}', length: { unit: 'words', exact: 5 } },
  ];
  const times: number[] = [];
  for (let round = 0; round < 30; round++) {
    for (const request of impossible) {
      const started = performance.now();
      const compiled = compileConstraint(request, { context: 256 });
      const decision = decide(compiled, { tokens: compiled.tokens.max, longestTokenBytes: 16 });
      times.push(performance.now() - started);
      if (decision.satisfiable) throw new Error(`decided to be possible: ${JSON.stringify(request)}`);
    }
  }
  return times;
}

/** Median milliseconds to compile a schema of 8 keys with nested arrays and enums, and to do so and lift it; never the same twice. */
function schemaTimes(model: LoadedModel): { compile: number; lifted: number } {
  const preparer = createPreparer(model.tokenizer, model.manifest.tokens.eos);
  const compile: number[] = [];
  const lifted: number[] = [];
  for (let round = -3; round < 15; round++) {
    const schemaOf = (salt: string) => ({
      type: 'object',
      properties: {
        [`id${salt}`]: { type: 'integer', minimum: 1, maximum: 99_999 },
        name: { type: 'string', minLength: 1, maxLength: 40 },
        kind: { enum: ['cat', 'dog', `bird${salt}`] },
        tags: { type: 'array', items: { type: 'string', maxLength: 12 }, maxItems: 5 },
        price: { type: 'number', minimum: 0 },
        ok: { type: 'boolean' },
        when: { type: 'string', format: 'date' },
        rows: {
          type: 'array',
          items: { type: 'object', properties: { x: { type: 'integer' }, y: { enum: [1, 2, 3] } }, required: ['x'] },
          maxItems: 3,
        },
      },
      required: ['name', 'kind'],
    });
    const { context } = model.manifest;
    const started = performance.now();
    compileConstraint({ json_schema: schemaOf(`a${round}`) }, { context });
    const between = performance.now();
    preparer.prepare({ json_schema: schemaOf(`b${round}`) }, context - 8, seeded(round + 9));
    if (round < 0) continue;
    compile.push(between - started);
    lifted.push(performance.now() - between);
  }
  return { compile: median(compile), lifted: median(lifted) };
}

/** Median wall-clock milliseconds from body to verdict for each request made to hurt, as the edge decides it. */
function hostileTimes(): { name: string; ms: number }[] {
  return Object.entries(HOSTILE_REQUESTS).map(([name, body]) => {
    const times: number[] = [];
    for (let round = 0; round < 7; round++) {
      const started = performance.now();
      try {
        const compiled = compileConstraint(v.parse(generationSchema, body), { context: 250 });
        decide(compiled, { tokens: Math.min(compiled.tokens.max, 250), longestTokenBytes: 16 });
      } catch (error) {
        if (!(error instanceof ProblemError || error instanceof v.ValiError)) throw error;
      }
      times.push(performance.now() - started);
    }
    return { name, ms: median(times) };
  });
}

function at(values: readonly number[], share: number): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
