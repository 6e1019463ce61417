/** What is said of a model that loads. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoadPhase, throttled } from '../../../gpu-backend/model/loading.ts';
import { openModel } from '../../../gpu-backend/model/registry.ts';
import { writeModelFolder } from './model-folder.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskwright-loading-'));
  await writeModelFolder(join(root, 'model'), { id: 'random', seed: 9 });
});
afterAll(() => rm(root, { recursive: true }));

async function reportsOf(): Promise<[LoadPhase, number, number][]> {
  const reports: [LoadPhase, number, number][] = [];
  const model = await openModel(join(root, 'model'), {
    ...{ device: 'cpu', precision: 'int8', threads: 1, cacheFolder: join(root, 'cache') },
    report: (...report) => reports.push(report),
  });
  await model.session.release();
  return reports;
}

describe('loading a model', () => {
  it('reports bytes verified and quantised, in order and to the end, and nothing of what was done before', async () => {
    const first = await reportsOf();
    expect([...new Set(first.map(([phase]) => phase))]).toEqual(['verifying', 'quantising', 'opening']);
    for (const phase of new Set(first.map(([name]) => name))) {
      const shares = first.filter(([name]) => name === phase).map(([, done, total]) => done / total);
      expect(shares).toEqual(shares.toSorted((a, b) => a - b));
      expect(shares.at(-1)).toBe(1);
    }
    expect(first.filter(([phase]) => phase === 'quantising').length).toBeGreaterThan(10);
    expect((await reportsOf()).map(([phase, done, total]) => [phase, done / total])).toEqual([
      ['verifying', 1],
      ['opening', 0],
      ['opening', 1],
    ]);
  });

  it('passes on ten reports a second, and the first and last of each phase', () => {
    let now = 0;
    const passed: unknown[] = [];
    const report = throttled(
      (...all) => passed.push(all.join(' ')),
      () => now,
    );
    for (let done = 1; done <= 50; done++) {
      now += 10;
      report('verifying', done, 50);
    }
    report('opening', 0, 1);
    report('opening', 1, 1);
    expect(passed).toEqual([
      ...['verifying 1 50', 'verifying 11 50', 'verifying 21 50', 'verifying 31 50', 'verifying 41 50'],
      ...['verifying 50 50', 'opening 0 1', 'opening 1 1'],
    ]);
  });
});
