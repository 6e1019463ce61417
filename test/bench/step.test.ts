/** The bench command: what it prints, for people and for machines, and when it fails. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asText, median, spread, table } from '../../bench/report.ts';
import { lladaConfig, writeRandomModel } from '../gpu-backend/model/random-model.ts';
import { runNode } from '../run-node.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskwright-bench-'));
  await writeRandomModel(folder, lladaConfig({ n_layers: 1, max_sequence_length: 32 }), 1);
});
afterAll(() => rm(folder, { recursive: true }));

const bench = (...args: string[]) => runNode(MAIN, args);

describe('npm run bench', () => {
  it('step --json prints one object with the figures of every precision and batch', async () => {
    const { code, out, error } = await bench('step', '--json', '--model', folder, '--row-ms', '20', '--cache', folder);
    expect(error).toBe('');
    expect(code).toBe(0);
    const report = JSON.parse(out);
    expect(Object.keys(report)).toEqual(['bench', 'machine', 'method', 'rows', 'bars']);
    expect(report.rows.map((row: Record<string, unknown>) => [row.precision, row.batch, row.length])).toEqual([
      ['int8', 1, 32],
      ['int8', 8, 32],
      ['float32', 1, 32],
      ['float32', 8, 32],
    ]);
    for (const row of report.rows) {
      expect(row.step_ms).toBeGreaterThan(0);
      expect(row.positions_per_second).toBeGreaterThan(0);
      expect(row.ratio_to_products).toBeGreaterThan(0);
    }
  });

  it.each(['sampler', 'reference'])('%s says that it needs a scorer', async (name) => {
    const { code, error } = await bench(name, '--model', folder);
    expect(code).toBe(1);
    expect(error).toMatch(/^--scorer FOLDER is needed/);
  });

  it.each([[['nothing']], [[]], [['toString']], [['step', '--threads', '0']]])(
    'refuses %j and says what there is',
    async (args) => {
      const { code, error } = await bench(...args);
      expect(code).toBe(2);
      expect(error).toMatch(/NAME is one of .*step/);
    },
  );
});

describe('a report', () => {
  it('aligns its table and marks bars that fail', () => {
    const rows = [
      { name: 'a', value: 1.23456 },
      { name: 'long', value: 10 },
    ];
    expect(table(rows)).toBe('name  value\na     1.235\nlong     10');
    const bars = [{ what: 'time', value: 2, bound: 'at most 1', holds: false }];
    expect(asText({ bench: 'x', method: 'm', rows, bars })).toContain('FAILS  time: 2 (at most 1)');
  });

  it('knows medians and quartiles', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(spread([1, 2, 3, 4, 5])).toBeCloseTo(2 / 3);
  });
});
