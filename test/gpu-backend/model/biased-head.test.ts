/** A head with a bias (ModernBERT's): the bias is part of a logit, so it is tempered with it, and guidance leaves it as it is. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationInput } from '../../../gpu-backend/model/evaluation.ts';
import { type ModelSession, openSession } from '../../../gpu-backend/model/session.ts';
import { modernbertConfig, randomNumbers, writeRandomModel } from './random-model.ts';

const LENGTH = 12;
const FORBIDDEN = [0, 5];
let folder: string;
const sessions = new Map<string, ModelSession>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskwright-head-'));
  await writeRandomModel(folder, modernbertConfig(), 9);
  for (const precision of ['float32', 'int8'] as const) {
    const options = { device: 'cpu', threads: 1, cacheFolder: join(folder, 'cache'), forbidden: FORBIDDEN } as const;
    sessions.set(precision, await openSession(folder, { ...options, precision }));
  }
});
afterAll(async () => {
  for (const session of sessions.values()) await session.release();
  await rm(folder, { recursive: true });
});

function input(vocabulary: number): EvaluationInput {
  const random = randomNumbers(4);
  const ids = Int32Array.from({ length: 2 * LENGTH }, () => 6 + Math.floor(random() * (vocabulary - 6)));
  const rows = Int32Array.of(1, 4, 9);
  return {
    ...{ batch: 2, length: LENGTH, ids, lengths: Int32Array.of(LENGTH, LENGTH), rows },
    ...{ baseRows: rows.map((row) => row + LENGTH), guidance: Float32Array.of(0, 1.5, 3) },
    inverseTemperature: Float32Array.of(0.5, 1, 2),
  };
}

describe.each(['float32', 'int8'])('a head with a bias, %s', (precision) => {
  it('gives the softmax of its guided logits over the temperature', async () => {
    const session = sessions.get(precision)!;
    const { vocabulary } = session;
    const asked = input(vocabulary);
    const logits = await session.logits(asked);
    const probabilities = await session.evaluate(asked);
    asked.rows.forEach((_, r) => {
      const weights = Array.from(logits.subarray(r * vocabulary, (r + 1) * vocabulary), (logit, token) =>
        FORBIDDEN.includes(token) ? 0 : Math.exp(logit * asked.inverseTemperature![r]),
      );
      const sum = weights.reduce((a, b) => a + b);
      weights.forEach((weight, token) => {
        expect(Math.abs(weight / sum - probabilities[r * vocabulary + token])).toBeLessThan(1e-4);
      });
    });
  });

  it('counts its bias once however strong the guidance', async () => {
    const session = sessions.get(precision)!;
    const asked = input(session.vocabulary);
    const { guidance, baseRows } = asked;
    const guided = await session.logits(asked);
    const own = await session.logits({ ...asked, guidance: undefined, baseRows: undefined });
    const base = await session.logits({ ...asked, rows: baseRows!, guidance: undefined, baseRows: undefined });
    const tolerance = precision === 'float32' ? 1e-4 : 0.15; // int8 rounds the combined state instead of both
    guided.forEach((logit, i) => {
      const w = guidance![Math.floor(i / session.vocabulary)];
      expect(Math.abs(logit - ((1 + w) * own[i] - w * base[i]))).toBeLessThan(tolerance * (1 + w));
    });
  });
});
