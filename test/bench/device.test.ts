/** The device bench: what it prints for a model and a random checkpoint, here on the CPU, and which shapes it makes. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomCheckpoint, shapeConfig } from '../../bench/random-checkpoint.ts';
import { stepWork } from '../../bench/step-floor.ts';
import { parseArchitecture } from '../../gpu-backend/model/config.ts';
import { readWeights } from '../../gpu-backend/model/safetensors.ts';
import { toFloat32 } from '../../gpu-backend/model/tensor-data.ts';
import { lladaConfig, writeRandomModel } from '../gpu-backend/model/random-model.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskwright-bench-'));
  await writeRandomModel(folder, lladaConfig({ n_layers: 1 }), 1);
});
afterAll(() => rm(folder, { recursive: true }));

describe('npm run bench -- device', () => {
  it('prints both floors beside each step, and holds a device to the logits of the CPU', () => {
    const main = join(import.meta.dirname, '../../bench/main.ts');
    const options = ['--device', 'cpu', '--precision', 'float32', '--shape', '2x128x64x900', '--row-ms', '5'];
    const parameters = [main, 'device', '--json', '--model', folder, '--cache', join(folder, 'cache'), ...options];
    const { stdout, stderr, status } = spawnSync(process.execPath, parameters, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(report.bars.map(({ holds }: { holds: boolean }) => holds)).toEqual([true, true]);
    expect(report.rows.length).toBe(2 * 3 * 4);
    const measured = report.rows.filter((row: { left_out: string }) => row.left_out === '');
    expect(measured.length).toBeGreaterThan(2);
    for (const row of measured) {
      for (const name of ['step_ms', 'operations_ms', 'bytes_ms', 'matrix_gflops', 'copy_gbs', 'ratio'])
        expect(row[name], name).toBeGreaterThan(0);
    }
  });

  it('refuses what is no shape', () => {
    for (const shape of ['8b', '2x100x64x900', '2x0x64x900'])
      expect(() => shapeConfig(shape)).toThrow(`--shape is ${shape}`);
  });
});

describe('a random checkpoint', () => {
  it('of LLaDA-8B has its eight billion parameters', () => {
    const shape = parseArchitecture(shapeConfig('llada-8b'));
    const { bytes, operations } = stepWork(shape, { batch: 1, length: 1, asked: 1 }, 1, 0);
    expect(bytes / 1e9).toBeCloseTo(7.5, 1); // the embedding table, another half billion, is no product
    expect(operations / bytes).toBeCloseTo(2, 2);
  });

  it('has weights of the size that keeps activations near 1, and gains of 1', async () => {
    const path = await randomCheckpoint('1x128x256x500', join(folder, 'made'));
    const weights = await readWeights(path);
    const data = await readFile(join(path, 'model.safetensors'));
    for (const { type, shape, offset, bytes } of weights.values()) {
      const values = toFloat32(new Uint8Array(data.subarray(offset, offset + bytes)), type);
      const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
      if (shape.length === 1) expect(square).toBe(1);
      else expect(square * shape[1]).toSatisfy((ratio: number) => ratio > 0.25 && ratio < 4);
    }
  });
});
