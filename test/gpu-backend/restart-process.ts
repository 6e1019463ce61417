/** A process that replaces itself, and a thread of it that fills its young generation: what they have for that. */
import { getHeapSpaceStatistics } from 'node:v8';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { restartOnce } from '../../gpu-backend/restart.ts';

/** Bytes of the young generation, after enough short-lived objects to let it grow. */
function young(): number {
  let kept: object[] = [];
  for (let i = 0; i < 4e6; i++) {
    if (i % 4e5 === 0) kept = [];
    kept.push({ i });
  }
  const [space] = getHeapSpaceStatistics().filter(({ space_name }) => space_name === 'new_space');
  return space.space_size + 0 * kept.length;
}

if (isMainThread) {
  restartOnce();
  const worker = new Worker(new URL(import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 12 } });
  worker.once('message', (thread: number) => {
    console.log(JSON.stringify({ pid: process.pid, flags: process.execArgv, main: young(), thread }));
  });
} else {
  parentPort!.postMessage(young());
}
