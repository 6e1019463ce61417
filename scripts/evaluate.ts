/**
 * `npm run eval -- --corpus DIR --twin DIR --data-dir DIR`: measures the shipped model. Asks `training.evaluation.requests` what to
 * generate, has the real API generate it, and lets `training.evaluate` and `training.report` turn the answers into figures and pages.
 */
import { spawn } from 'node:child_process';
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type LocalServices, startServices } from './local/services.ts';

const USAGE = `npm run eval -- --corpus DIR --twin DIR --data-dir DIR [--work DIR] [--write DIR] [--every N] [--sets A,B]
  [--answers-only]

  --corpus        the training corpus (valid.jsonl.xz and train/ in it)
  --twin          folder of the autoregressive twin, the declared scorer
  --data-dir      what training.pack wrote
  --work          where requests and answers are kept (.local/evaluation)
  --write         where the figures go (docs/evaluation)
  --every         only every n-th request: a rehearsal (1)
  --sets          only these sets of requests; answers that are there to others stay
  --answers-only  generate, and leave the scoring for later`;

const root = join(import.meta.dirname, '..');
/** As many texts at a time: the service batches them. */
const CONCURRENCY = 8;
const PYTHON = process.env.PYTHON ?? 'python3';

/** A line of training.evaluation.requests. */
interface Line {
  readonly set: string;
  readonly request: object;
}

function readArguments() {
  const path = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...{ corpus: path, twin: path, 'data-dir': path },
      work: { ...path, default: join(root, '.local', 'evaluation') },
      write: { ...path, default: join(root, 'docs', 'evaluation') },
      sets: { type: 'string' },
      every: { type: 'string', default: '1' },
      'answers-only': { type: 'boolean', default: false },
    },
  });
  const { corpus, twin, 'data-dir': dataDir, work, write } = values;
  if (corpus === undefined || twin === undefined || dataDir === undefined) throw new Error(USAGE);
  return {
    corpus,
    twin,
    dataDir,
    work,
    write,
    every: Number(values.every),
    sets: values.sets?.split(','),
    answersOnly: values['answers-only'],
  };
}

/** Runs a module of training/. @throws Error when it does not end well */
async function python(module: string, ...parameters: string[]): Promise<void> {
  const child = spawn(PYTHON, ['-m', module, ...parameters], { cwd: root, stdio: 'inherit' });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`${module} ended with ${code}.`);
}

/** The line with what the API answered: text and usage, or the code of a refusal. @throws Error on anything else */
async function answer({ url, key }: LocalServices, line: Line): Promise<object> {
  const response = await fetch(`${url}/v1/generations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...line.request, cache: 'no-store' }),
  });
  const body = (await response.json()) as { text?: string; usage?: object; code?: string };
  if (response.ok) return { ...line, text: body.text, usage: body.usage };
  if (response.status === 422) return { ...line, problem: body.code };
  throw new Error(`${response.status} ${body.code} for ${JSON.stringify(line.request)}`);
}

async function readLines(file: string): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const text of createInterface({ input: createReadStream(file) })) lines.push(JSON.parse(text));
  return lines;
}

/** Answers all lines, some at a time, and keeps their order. */
async function answerAll(services: LocalServices, lines: readonly Line[]): Promise<object[]> {
  const answered: object[] = new Array(lines.length);
  let next = 0;
  const work = async () => {
    for (let index = next++; index < lines.length; index = next++) {
      answered[index] = await answer(services, lines[index]);
      if (index % 200 === 199) console.log(`${index + 1} of ${lines.length}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return answered;
}

async function main(): Promise<void> {
  const { corpus, twin, dataDir, work, write, every, sets, answersOnly } = readArguments();
  mkdirSync(work, { recursive: true });
  const requests = join(work, 'requests.jsonl');
  const answers = join(work, 'answers.jsonl');
  await python('training.evaluation.requests', '--valid', join(corpus, 'valid.jsonl.xz'), '--out', requests);

  const services = await startServices(root, new Promise<void>((resolve) => process.once('SIGINT', resolve)));
  if (services === undefined) return;
  const started = Date.now();
  try {
    const wanted = (await readLines(requests)).filter((line) => sets === undefined || sets.includes(line.set));
    const lines = wanted.filter((_, index) => index % every === 0);
    const kept = sets === undefined ? [] : (await readLines(answers)).filter((line) => !sets.includes(line.set));
    const answered = await Promise.race([answerAll(services, lines), services.died]);
    const all = [...kept, ...answered].map((line) => `${JSON.stringify(line)}\n`);
    writeFileSync(answers, all.join(''));
    console.log(`${answered.length} answers in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    await services.stop();
  }
  if (answersOnly) return;
  const model = join(root, 'models', 'default');
  const given = ['--model', model, '--corpus', corpus, '--twin', twin, '--data-dir', dataDir, '--answers', answers];
  await python('training.evaluate', ...given, '--write', write);
  await python('training.report', '--model', model, '--evaluation', write);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
