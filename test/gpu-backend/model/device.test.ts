/** Which devices there are, what each takes, and what is said where one cannot be had. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, listSupportedBackends } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDevice, DEVICES, type Device, onDevice } from '../../../gpu-backend/model/device.ts';
import { feedsOf } from '../../../gpu-backend/model/feeds.ts';
import { buildGraph } from '../../../gpu-backend/model/graph.ts';
import { runtimeOptions } from '../../../gpu-backend/model/runtime.ts';
import { readWeights } from '../../../gpu-backend/model/safetensors.ts';
import { openSession } from '../../../gpu-backend/model/session.ts';
import { lladaConfig, type RandomModel, randomNumbers, writeRandomModel } from './random-model.ts';

let model: RandomModel;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'maskwright-device-'));
  model = await writeRandomModel(folder, lladaConfig(), 11, 'bfloat16');
});
afterAll(() => rm(model.folder, { recursive: true }));

const options = (device: Device) => ({
  device,
  precision: device === 'cpu' ? ('float32' as const) : ('float16' as const),
  threads: 1,
  cacheFolder: join(model.folder, 'cache'),
});

describe('a device', () => {
  const providers: Readonly<Record<string, string>> = { directml: 'dml' };
  const missing = DEVICES.filter(
    (device) => !listSupportedBackends().some(({ name }) => name === (providers[device] ?? device)),
  );

  it('that this build of onnxruntime does not have is refused, with those it has', async () => {
    expect(missing.length).toBeGreaterThan(0); // no platform has DirectML and CoreML
    for (const device of missing) {
      await expect(openSession(model.folder, options(device))).rejects.toThrow(
        new RegExp(
          `device is ${device}; onnxruntime-node has it on .*, and on ${process.platform} ${process.arch} has cpu`,
        ),
      );
    }
  });

  it('refuses a precision it does not run in', () => {
    expect(() => checkDevice('cuda', 'int8')).toThrow(
      'precision is int8 and device cuda; cuda takes float16 or float32 or int4',
    );
    expect(() => checkDevice('cpu', 'float16')).toThrow('cpu takes int8 or int4 or float32');
  });

  it.each<[Device, string, RegExp]>([
    [
      'cuda',
      'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library',
      /gpu:setup.*onnxruntime says/,
    ],
    ['cuda', 'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', /NVIDIA driver/],
    ['cuda', 'CUDA failure 2: out of memory', /does not hold the model/],
    ['webgpu', 'Failed to get a WebGPU adapter: No supported adapters', /libvulkan.*VK_ICD_FILENAMES/],
    ['webgpu', 'Program Gather requires f16 but the device does not support it.', /MASKWRIGHT_PRECISION=float32/],
    ['webgpu', 'something nobody foresaw', /device is webgpu: the model could not be run.*something nobody foresaw/],
  ])('%s: "%s" is explained', async (device, message, explained) => {
    const failing = onDevice(device, () => Promise.reject(new Error(message)));
    await expect(failing).rejects.toThrow(explained);
  });
});

describe('the float16 graph', () => {
  // onnxruntime's CPU carries it out in float32 between roundings to float16: the graph's own arithmetic, without a GPU.
  it('gives the logits and distributions of float32, over batch, padding and guidance', async () => {
    const { folder, architecture } = model;
    const weights = await readWeights(folder);
    const random = randomNumbers(3);
    const [batch, length] = [3, 40];
    const input = {
      batch,
      length,
      ids: Int32Array.from({ length: batch * length }, () => Math.floor(random() * architecture.vocabulary)),
      lengths: Int32Array.of(40, 17, 1),
      rows: Int32Array.of(0, 5, 39, 40, 56, 80),
      baseRows: Int32Array.of(1, 5, 40, 39, 40, 80),
      guidance: Float32Array.of(0, 1, 1.5, 0, 2, 0),
      inverseTemperature: Float32Array.of(1, 2, 1, 0.5, 1, 1),
    };
    const exact = await openSession(folder, options('cpu'));
    const cases = (['logits', 'probabilities'] as const).flatMap((output) =>
      [false, true].map((portableAttention) => ({ output, portableAttention })),
    );
    for (const { output, portableAttention } of cases) {
      const common = { architecture, weights, output, portableAttention, forbidden: [0] };
      const graph = buildGraph({ ...common, precision: 'float16', cpu: false });
      const session = await InferenceSession.create(graph, runtimeOptions(options('cpu'), folder));
      const results = await session.run(feedsOf(input, output === 'probabilities'));
      const values = results[output].data as Float32Array;
      const expected = output === 'logits' ? await exact.logits(input) : await exact.evaluate(input);
      expect(values).toBeInstanceOf(Float32Array);
      // float16 holds 11 bits: logits of up to 16, guided by up to 3 times, within half a percent.
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
      expect(worst).toBeLessThan(output === 'logits' ? 0.05 : 0.005);
      await session.release();
    }
    await exact.release();
  });
});
