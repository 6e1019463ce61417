/**
 * `npm run bench -- NAME [--json] [--model FOLDER] [--threads N] [--row-ms MS] [--cache FOLDER]`: measures, prints, and exits 1 where a bar does not hold.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { asJson, asText, type Bench } from './report.ts';

/** Each bench is a module with a `run`; loaded only when it is asked for. */
const BENCHES: Readonly<Record<string, () => Promise<{ readonly run: Bench }>>> = {
  step: () => import('./step.ts'),
  constraint: () => import('./constraint.ts'),
  schema: () => import('./schema.ts'),
  install: () => import('./install.ts'),
};

const root = fileURLToPath(new URL('..', import.meta.url));
const usage = `npm run bench -- NAME [--json] [--model FOLDER] [--threads N] [--row-ms MS] [--cache FOLDER]; NAME is one of ${Object.keys(BENCHES).join(', ')}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    model: { type: 'string', default: join(root, 'models', 'default') },
    threads: { type: 'string', default: '2' },
    cache: { type: 'string', default: join(root, '.cache', 'models') },
    'row-ms': { type: 'string', default: '1500' },
  },
});

const threads = Number(values.threads);
const rowMilliseconds = Number(values['row-ms']);
if (
  positionals.length !== 1 ||
  !Object.hasOwn(BENCHES, positionals[0]) ||
  !(Number.isInteger(threads) && threads > 0 && rowMilliseconds > 0)
) {
  console.error(usage);
  process.exit(2);
}
const { run } = await BENCHES[positionals[0]]();
const report = await run({
  model: values.model,
  threads,
  rowMilliseconds,
  cacheFolder: values.cache,
});
console.log(values.json ? asJson(report) : asText(report));
process.exitCode = report.bars.every(({ holds }) => holds) ? 0 : 1;
