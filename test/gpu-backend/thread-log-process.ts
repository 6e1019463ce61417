/** A process whose thread logs so many lines and says that it has; it is ended behind that, in the middle of whatever is left to do. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { threadLog } from '../../gpu-backend/thread-log.ts';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  worker.once('message', async () => {
    await worker.terminate();
    process.exit(0);
  });
} else {
  const { log, written } = threadLog('info', { thread: 'one' });
  for (let line = 0; line < Number(process.argv[2]); line++) log.info({ line }, 'said');
  await written();
  parentPort!.postMessage('written');
}
