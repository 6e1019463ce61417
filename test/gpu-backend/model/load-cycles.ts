/**
 * Opens a model, evaluates, releases it, many times; prints the resident bytes before the first, while each is open and after each.
 * Usage: load-cycles.ts FOLDER CACHE CYCLES, with --expose-gc.
 */

import { POSITIONS } from '../../../gpu-backend/model/memory.ts';
import { openModel } from '../../../gpu-backend/model/registry.ts';
import { restartOnce } from '../../../gpu-backend/restart.ts';

restartOnce();
const [folder, cacheFolder, cycles] = process.argv.slice(2);
const positions = Int32Array.from({ length: POSITIONS }, (_, i) => i);

function resident(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

async function cycle(): Promise<{ readonly open: number; readonly released: number }> {
  const { session } = await openModel(folder, { device: 'cpu', precision: 'int8', threads: 1, cacheFolder });
  await session.evaluate({
    ...{ batch: 1, length: POSITIONS, lengths: Int32Array.of(POSITIONS), rows: positions },
    ids: positions.map((i) => (i * 7) % session.vocabulary),
  });
  const open = resident();
  await session.release();
  return { open, released: resident() };
}

const before = resident();
const measured: Awaited<ReturnType<typeof cycle>>[] = [];
for (let i = 0; i < Number(cycles); i++) measured.push(await cycle());
console.log(JSON.stringify({ before, cycles: measured }));
