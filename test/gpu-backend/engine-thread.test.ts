import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { threadDispatch } from '../../gpu-backend/dispatch/thread.ts';
import { createGate } from '../../gpu-backend/engine/reader.ts';
import type { EngineConfig } from '../../gpu-backend/engine-thread.ts';
import { collect } from './collect.ts';

it('takes its places and its deadline from the configuration, and answers with problems across the threads', async () => {
  const workerData: EngineConfig = {
    models: [join(import.meta.dirname, '../fixtures/tiny-llada/tied')],
    ...{ device: 'cpu', precision: 'float32', threads: 1, running: 3, waitingS: 30, logLevel: 'silent', deadlineS: 1 },
    cacheFolder: await mkdtemp(join(tmpdir(), 'maskwright-')),
  };
  const thread = new Worker(new URL('../../gpu-backend/engine-thread.ts', import.meta.url), { workerData });
  try {
    const dispatch = threadDispatch(thread);
    await dispatch.ready;
    expect(await dispatch.load()).toEqual({ running: 0, waiting: 0, backlogSeconds: 0, room: 3 });
    const request = { model: dispatch.models()[0].id, seed: 1, length: { unit: 'tokens', exact: 20 } } as const;
    // Its reader wants nothing: nothing is done, and its time runs.
    const reader = { signal: new AbortController().signal, wants: createGate(false) };
    await expect(collect(dispatch.generate({ id: 'r', request }, reader))).rejects.toMatchObject({
      problem: { code: 'deadline_exceeded', detail: expect.stringContaining('1000 ms') },
    });
  } finally {
    await thread.terminate();
  }
});
