/**
 * The devices a model can run on: what onnxruntime calls each, which precisions each takes, and what its failures mean.
 */
import { type InferenceSession, listSupportedBackends } from 'onnxruntime-node';

export const DEVICES = ['cpu', 'webgpu', 'cuda', 'tensorrt', 'directml', 'coreml'] as const;
export type Device = (typeof DEVICES)[number];

export const PRECISION_NAMES = ['int8', 'int4', 'float32', 'float16'] as const;
export type PrecisionName = (typeof PRECISION_NAMES)[number];

interface DeviceTraits {
  /** The name of onnxruntime's execution provider. */
  readonly provider: string;
  /** The first is what runs where nothing is asked for. */
  readonly precisions: readonly [PrecisionName, ...PrecisionName[]];
  /** True where onnxruntime has no fused attention that can be relied on (plain-attention.ts). */
  readonly portable?: true;
  /** Where onnxruntime-node has it. */
  readonly where: string;
}

const TRAITS: Readonly<Record<Device, DeviceTraits>> = {
  // The CPU has no float16 arithmetic in onnxruntime: such a graph would be float32 with casts in between.
  cpu: { provider: 'cpu', precisions: ['int8', 'int4', 'float32'], where: 'everywhere' },
  // float16 is an optional feature of WebGPU ("shader-f16"), so float32 is what can be relied on.
  webgpu: {
    provider: 'webgpu',
    precisions: ['float32', 'float16', 'int4'],
    portable: true,
    where: 'Windows, macOS and Linux x64',
  },
  cuda: { provider: 'cuda', precisions: ['float16', 'float32', 'int4'], where: 'Linux x64' },
  tensorrt: { provider: 'tensorrt', precisions: ['float16', 'float32'], where: 'Linux x64' },
  directml: { provider: 'dml', precisions: ['float16', 'float32'], where: 'Windows' },
  coreml: { provider: 'coreml', precisions: ['float16', 'float32'], portable: true, where: 'macOS' },
};

/** The precision a device runs in where nothing is asked for. */
export function defaultPrecision(device: Device): PrecisionName {
  return TRAITS[device].precisions[0];
}

/** Whether attention is written in plain operators for a device. */
export function hasPortableAttention(device: Device): boolean {
  return TRAITS[device].portable === true;
}

/** Why a device does not run in a precision, in words; undefined where it does. */
export function precisionFault(device: Device, precision: PrecisionName): string | undefined {
  const { precisions } = TRAITS[device];
  if (precisions.includes(precision)) return undefined;
  return `precision is ${precision} and device ${device}; ${device} takes ${precisions.join(' or ')}`;
}

/**
 * What onnxruntime is told about the device. TensorRT leaves to CUDA what it cannot run; what neither can, the CPU does.
 */
export function executionProviders(device: Device): InferenceSession.ExecutionProviderConfig[] {
  const { provider } = TRAITS[device];
  return device === 'tensorrt' ? [provider, 'cuda'] : [provider];
}

/**
 * Refuses a device that cannot run in that precision or is not in this build of onnxruntime.
 * @throws Error naming the value and what is allowed here
 */
export function checkDevice(device: Device, precision: PrecisionName): void {
  const fault = precisionFault(device, precision);
  if (fault !== undefined) throw new Error(fault);
  const built = new Set(listSupportedBackends().map(({ name }) => name));
  if (built.has(TRAITS[device].provider)) return;
  const here = DEVICES.filter((name) => built.has(TRAITS[name].provider));
  throw new Error(
    `device is ${device}; onnxruntime-node has it on ${TRAITS[device].where}, and on ${process.platform} ${process.arch} has ${here.join(', ')}`,
  );
}

/** Signs of a known failure in onnxruntime's message, and what is to be done about it. */
const REMEDIES: readonly { readonly sign: RegExp; readonly devices: readonly Device[]; readonly remedy: string }[] = [
  {
    sign: /failed to load (shared )?library|providers_(cuda|shared|tensorrt)/i,
    devices: ['cuda', 'tensorrt'],
    remedy:
      'its libraries, or those of CUDA 12 and cuDNN 9 that they need, are not there; `npm run gpu:setup` fetches them',
  },
  {
    sign: /CUDA driver version|no CUDA-capable device|CUDA failure (35|100)\b/i,
    devices: ['cuda', 'tensorrt'],
    remedy: 'no NVIDIA driver of CUDA 12 answers; `npm run gpu:setup` says what it finds',
  },
  {
    sign: /Failed to get a WebGPU adapter/i,
    devices: ['webgpu'],
    remedy:
      'no graphics adapter was found. On Linux it needs the Vulkan loader (libvulkan.so.1), a Vulkan driver and XDG_RUNTIME_DIR; ' +
      'VK_ICD_FILENAMES may name a driver, also one in software (docs/gpu.md)',
  },
  {
    sign: /requires f16 but the device does not support it/i,
    devices: ['webgpu'],
    remedy: 'this adapter has no float16 arithmetic ("shader-f16"); set MASKWRIGHT_PRECISION=float32',
  },
  {
    sign: /out of memory|Failed to allocate memory|CUDA failure 2\b/i,
    devices: ['webgpu', 'cuda', 'tensorrt', 'directml', 'coreml'],
    remedy: 'its memory does not hold the model and one batch; float16 needs half of float32',
  },
];

/** An error of onnxruntime in the words of this project: the device, what is to be done where that is known, and its own message. */
function deviceError(device: Device, reason: unknown): Error {
  const message = reason instanceof Error ? reason.message : String(reason);
  const known = REMEDIES.find(({ sign, devices }) => devices.includes(device) && sign.test(message));
  const what = known === undefined ? 'the model could not be run' : known.remedy;
  return new Error(`device is ${device}: ${what}. onnxruntime says: ${message}`, { cause: reason });
}

/**
 * Does work on a device.
 * @throws Error of deviceError where onnxruntime fails on a device other than the CPU, whose own errors need no explanation
 */
export async function onDevice<T>(device: Device, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (reason) {
    throw device === 'cpu' ? reason : deviceError(device, reason);
  }
}
