/**
 * The weights of an installed model, in the form it is to be stored in.
 */
import { constants, copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '../model/architecture.ts';
import { calibrate } from '../model/calibrate.ts';
import type { InstalledPrecision } from '../model/memory.ts';
import type { StoredTensor } from '../model/onnx.ts';
import { copyToWrite, quantisedTensors } from '../model/quantise.ts';
import { type TensorToWrite, type Weights, writeSafetensors } from '../model/safetensors.ts';
import { countParameters, expectedShapes, withParts } from '../model/shapes.ts';
import { rowBlocks, toBfloat16 } from '../model/tensor-data.ts';
import type { Progress } from './progress.ts';

/**
 * Up to this size the ranges of a model's activations are measured, which loads it in float32: 240 MB. Larger ones keep a step for each
 * row, so that adding never needs much more memory than that.
 */
const MOST_CALIBRATED_PARAMETERS = 60_000_000;

export interface WeightsJob {
  /** Where the checkpoint lies. */
  readonly from: string;
  readonly to: string;
  readonly architecture: Architecture;
  /** Of the checkpoint, as its files name them. */
  readonly weights: Weights;
  readonly precision: InstalledPrecision;
  /** Whether the checkpoint's files may be moved: they are our own download. */
  readonly move: boolean;
  readonly progress: Progress;
}

/** Writes the weights into `to`; returns the names of the files. */
export async function writeWeights(job: WeightsJob): Promise<string[]> {
  const { architecture, weights, precision, from } = job;
  if (precision === 'int8' || precision === 'int4') {
    const parts = withParts(architecture, weights);
    const measured = precision === 'int8' && countParameters(architecture) <= MOST_CALIBRATED_PARAMETERS;
    const steps = measured ? await calibrate(from, architecture, parts) : undefined;
    return write(job, quantisedTensors(from, architecture, parts, precision, steps));
  }
  const needed = [...expectedShapes(architecture).keys()].map((name) => [name, weights.get(name)!] as const);
  if (precision === 'bfloat16' && needed.some(([, { type }]) => type !== 'bfloat16')) {
    return write(
      job,
      needed.map(([name, tensor]) => narrowed(from, name, tensor)),
    );
  }
  // As they are: float32 is how products are computed, and half-precision weights are widened when they are loaded.
  const files = [...new Set(needed.map(([, { file }]) => file))];
  for (const file of files) {
    job.progress.say(`${job.move ? 'moving' : 'copying'} ${file}`);
    if (job.move) await rename(join(from, file), join(job.to, file));
    else await copyFile(join(from, file), join(job.to, file), constants.COPYFILE_FICLONE);
  }
  return files;
}

async function write({ to, precision, progress }: WeightsJob, tensors: readonly TensorToWrite[]): Promise<string[]> {
  const file = 'model.safetensors';
  await writeSafetensors(join(to, file), tensors, (done, total, { name }) => {
    progress.update(`${precision}: ${name}`, done, total);
  }).catch(async (reason) => {
    await rm(join(to, file), { force: true });
    throw reason;
  });
  return [file];
}

function narrowed(folder: string, name: string, tensor: StoredTensor): TensorToWrite {
  if (tensor.type === 'bfloat16') return copyToWrite(folder, name, tensor);
  return {
    ...{ name, type: 'bfloat16', shape: tensor.shape },
    async stream(sink) {
      let offset = 0;
      for await (const { values } of rowBlocks(folder, tensor)) {
        const data = toBfloat16(values);
        sink.write(offset, data);
        offset += data.length;
      }
    },
  };
}
