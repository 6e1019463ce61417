/**
 * How onnxruntime is told to run a graph.
 */
import { resolve } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { type Device, executionProviders } from './device.ts';

/** The onnxruntime session options we use: those of its config keys that its types know only as `extra`. */
export function runtimeOptions(
  { device, threads }: { readonly device: Device; readonly threads: number },
  weightsFolder: string,
): InferenceSession.SessionOptions {
  return {
    executionProviders: executionProviders(device),
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    enableMemPattern: false,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: {
      session: {
        model_external_initializers_file_folder_path: resolve(weightsFolder),
        // Threads spin between the operators of a step and rest between steps. One step of 128 positions (measured): 5.8 ms on
        // idle cores, 6.7 without spinning; on busy ones 19 ms, 33 where they spin on after the step.
        force_spinning_stop: '1',
        // Where a processor would saturate sums of unsigned times signed bytes, onnxruntime takes another form.
        x64quantprecision: '1',
      },
      // Casts of weights are carried out once, at load. A GPU's embedding table may be larger than the 1 GiB that is the limit else.
      ...(device === 'cpu' ? {} : { optimization: { constant_folding_max_output_size_in_bytes: '0' } }),
    },
  };
}
