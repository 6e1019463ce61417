/** A process whose thread logs and says that it has; it is ended behind that, in the middle of whatever is left to do. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { threadLog } from '../../gpu-backend/thread-log.ts';

/** More than one write takes while another is under way. */
const LINES = 500;

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  worker.once('message', async () => {
    await worker.terminate();
    process.exit(0);
  });
} else {
  const { log, written } = threadLog('info', { thread: 'one' });
  for (let line = 0; line < LINES; line++) log.info({ line }, 'said');
  await written();
  parentPort!.postMessage('written');
}
