/**
 * Adding a large checkpoint: does it fit into the memory of a small machine, how long does it take, and does the model then
 * take no more memory than was said?
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { POSITIONS } from '../gpu-backend/model/memory.ts';
import { openSession } from '../gpu-backend/model/session.ts';
import type { Bar, BenchOptions, Report, Row } from './report.ts';
import { FOUR_GIGABYTES, writeSynthetic } from './synthetic-checkpoint.ts';

const MOST_RESIDENT_BYTES = 1e9;
/** The embedding table is counted whole, and read row by row as tokens come up: less than the estimate is to be expected. */
const MOST_OF_THE_ESTIMATE = 1.05;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

const addedSchema = v.object({
  folder: v.string(),
  seconds: v.number(),
  peak_resident_bytes: v.number(),
  memory: v.object({ weights: v.number(), evaluation: v.number() }),
});

export async function run({ threads, cacheFolder }: BenchOptions): Promise<Report> {
  const root = await mkdtemp(join(tmpdir(), 'maskwright-bench-install-'));
  try {
    const checkpoint = join(root, 'checkpoint');
    const { architecture, bytes } = await writeSynthetic(checkpoint, FOUR_GIGABYTES);
    const rows: Row[] = [];
    const bars: Bar[] = [];
    for (const precision of ['int4', 'int8'] as const) {
      const added = await add(checkpoint, join(root, 'models'), precision);
      const resident = await residentBytes(added.folder, architecture.vocabulary, threads, cacheFolder);
      const estimate = added.memory.weights + added.memory.evaluation;
      await rm(added.folder, { recursive: true });
      rows.push({
        precision,
        checkpoint_gb: bytes / 1e9,
        seconds: added.seconds,
        peak_mb: added.peak_resident_bytes / 1e6,
        estimate_mb: estimate / 1e6,
        resident_mb: resident / 1e6,
      });
      const share = resident / estimate;
      bars.push(
        {
          what: `${precision}: peak resident memory of adding, bytes`,
          value: added.peak_resident_bytes,
          bound: `at most ${MOST_RESIDENT_BYTES}`,
          holds: added.peak_resident_bytes <= MOST_RESIDENT_BYTES,
        },
        {
          what: `${precision}: memory in use as a share of the estimate`,
          value: share,
          bound: `at most ${MOST_OF_THE_ESTIMATE}`,
          holds: share <= MOST_OF_THE_ESTIMATE,
        },
      );
    }
    return { bench: 'install', method: METHOD, rows, bars };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const METHOD =
  "A checkpoint of LLaDA-8B's matrices with 5 of its 32 layers and its vocabulary, bfloat16, in a file with holes, is added by `npm run model` " +
  'in a process of its own; peak is the most resident memory that process had. Then the model is opened, ' +
  `${POSITIONS} positions are evaluated with all their distributions, and the growth of this process's peak is compared with the estimate.`;

async function add(checkpoint: string, models: string, precision: string) {
  const script = join(ROOT, 'scripts', 'model.ts');
  const child = spawn(
    process.execPath,
    [script, 'add', checkpoint, '--to', models, '--precision', precision, '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`adding the checkpoint ended with code ${code}`);
  return v.parse(addedSchema, JSON.parse(out));
}

async function residentBytes(
  folder: string,
  vocabulary: number,
  threads: number,
  cacheFolder: string,
): Promise<number> {
  const before = process.memoryUsage.rss();
  const session = await openSession(folder, { device: 'cpu', precision: 'int8', threads, cacheFolder });
  const positions = Int32Array.from({ length: POSITIONS }, (_, i) => i);
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 20);
  await session.evaluate({
    ...{ batch: 1, length: POSITIONS, lengths: Int32Array.of(POSITIONS), rows: positions },
    ids: positions.map((i) => (i * 7) % vocabulary),
  });
  clearInterval(watch);
  most = Math.max(most, process.memoryUsage.rss());
  await session.release();
  return most - before;
}
