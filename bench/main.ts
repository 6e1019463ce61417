/**
 * `npm run bench -- NAME [options]`: measures, prints, and exits 1 where a bar does not hold.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEVICES, PRECISION_NAMES } from '../gpu-backend/model/device.ts';
import { asJson, asText, type Bench } from './report.ts';

/** Each bench is a module with a `run`; loaded only when it is asked for. */
const BENCHES: Readonly<Record<string, () => Promise<{ readonly run: Bench }>>> = {
  step: () => import('./step.ts'),
  constraint: () => import('./constraint.ts'),
  schema: () => import('./schema.ts'),
  sampler: () => import('./sampler.ts'),
  reference: () => import('./reference.ts'),
  install: () => import('./install.ts'),
  memory: () => import('./memory.ts'),
  serve: () => import('./serve.ts'),
  device: () => import('./device.ts'),
  chaos: () => import('./chaos.ts'),
  fuzz: () => import('./fuzz.ts'),
  money: () => import('./money.ts'),
  edge: () => import('./edge.ts'),
  decisions: () => import('./decisions.ts'),
};

const root = fileURLToPath(new URL('..', import.meta.url));
const usage = `npm run bench -- NAME [--json] [--model FOLDER] [--threads N] [--row-ms MS] [--cache FOLDER] [--scorer FOLDER] [--corpus FOLDER] [--texts-per-style N] [--only SETS] [--seconds N] [--engines N]; NAME is one of ${Object.keys(BENCHES).join(', ')}
device also takes [--device ${DEVICES.join(' | ')}] [--precision ${PRECISION_NAMES.join(' | ')}] [--shape llada-8b | LAYERSxWIDTHxHIDDENxVOCABULARY]`;

function pick<const T extends string>(names: readonly T[], given: string | undefined): T | undefined {
  return names.find((name) => name === given);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    model: { type: 'string', default: join(root, 'models', 'default') },
    threads: { type: 'string', default: '2' },
    cache: { type: 'string', default: join(root, '.cache', 'models') },
    'row-ms': { type: 'string', default: '1500' },
    scorer: { type: 'string' },
    corpus: { type: 'string' },
    only: { type: 'string' },
    device: { type: 'string' },
    precision: { type: 'string' },
    shape: { type: 'string' },
    'texts-per-style': { type: 'string', default: '8' },
    seconds: { type: 'string', default: '180' },
    engines: { type: 'string' },
  },
});

const threads = Number(values.threads);
const rowMilliseconds = Number(values['row-ms']);
const device = pick(DEVICES, values.device);
const precision = pick(PRECISION_NAMES, values.precision);
const textsPerStyle = Number(values['texts-per-style']);
const seconds = Number(values.seconds);
const engines = values.engines === undefined ? undefined : Number(values.engines);
if (
  positionals.length !== 1 ||
  !Object.hasOwn(BENCHES, positionals[0]) ||
  !(
    Number.isInteger(threads) &&
    threads > 0 &&
    rowMilliseconds > 0 &&
    seconds > 0 &&
    (engines === undefined || (Number.isInteger(engines) && engines > 0)) &&
    Number.isInteger(textsPerStyle) &&
    textsPerStyle > 0
  ) ||
  device !== values.device ||
  precision !== values.precision
) {
  console.error(usage);
  process.exit(2);
}
try {
  const { run } = await BENCHES[positionals[0]]();
  const report = await run({
    model: values.model,
    threads,
    rowMilliseconds,
    cacheFolder: values.cache,
    scorer: values.scorer,
    corpus: values.corpus,
    only: values.only,
    textsPerStyle,
    seconds,
    engines,
    device,
    precision,
    shape: values.shape,
  });
  console.log(values.json ? asJson(report) : asText(report));
  process.exitCode = report.bars.every(({ holds }) => holds) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
