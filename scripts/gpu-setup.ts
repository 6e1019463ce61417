/**
 * `npm run gpu:setup`: fetches what onnxruntime needs to run on an NVIDIA GPU, after saying what that is, and tries it.
 *
 * The package on npm brings the CPU and WebGPU; the CUDA libraries are too large for it. Its own install script fetches those of
 * exactly its version, so that is what runs here.
 */
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import {
  CUDA_LIBRARIES,
  driver,
  fetchLibraries,
  freeBytes,
  libraries,
  NEEDED_BYTES,
  probe,
  version,
} from './gpu/cuda.ts';

const HELP = `npm run gpu:setup [-- --yes] [-- --without-driver]

  --yes             asks nothing (nothing is asked either where CI is set or input is no terminal)
  --without-driver  fetches the libraries though no GPU is here, for an image that will run on one; nothing is tried then`;

const GIB = 2 ** 30;

class SetupError extends Error {}

function explain(): void {
  console.log(`Maskwright on an NVIDIA GPU (docs/gpu.md).

This fetches the CUDA libraries of onnxruntime ${version()}, for CUDA 12 and cuDNN 9, from NuGet:
${CUDA_LIBRARIES.map((name) => `  ${name}`).join('\n')}
into ${libraries().folder}. It changes nothing else. CUDA 12 and cuDNN 9 themselves must be on the machine,
where the loader finds them (LD_LIBRARY_PATH), as must the NVIDIA driver.
WebGPU, DirectML (Windows) and CoreML (macOS) need none of this: set MASKWRIGHT_DEVICE.
`);
}

function checkPlatform(): void {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new SetupError(
    `This is ${process.platform} ${process.arch}; onnxruntime-node has CUDA on linux x64 only. MASKWRIGHT_DEVICE=webgpu runs on this machine's GPU.`,
  );
}

function checkDriver(required: boolean): void {
  const found = driver();
  if (found !== undefined) {
    console.log(`Driver: ${found}`);
    return;
  }
  if (required) {
    throw new SetupError(
      'No NVIDIA driver answers: nvidia-smi is not there or finds no GPU. Install the driver first (CUDA 12 needs version 525 or newer); ' +
        'for an image that will run elsewhere, add --without-driver.',
    );
  }
  console.log('Driver: none here, as --without-driver says.');
}

function checkSpace(): void {
  const free = freeBytes();
  console.log(`Free space: ${(free / GIB).toFixed(1)} GiB`);
  if (free >= NEEDED_BYTES) return;
  throw new SetupError(
    `Free space is ${(free / GIB).toFixed(1)} GiB in the temporary folder or node_modules; archive and libraries need up to ${NEEDED_BYTES / GIB} GiB.`,
  );
}

async function agreed(yes: boolean): Promise<boolean> {
  if (yes || process.env.CI !== undefined || process.stdin.isTTY !== true) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Fetch them now? [y/N] ');
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

async function fetchIfMissing(yes: boolean): Promise<boolean> {
  const { missing } = libraries();
  if (missing.length === 0) {
    console.log('The libraries are there already.');
    return true;
  }
  if (!(await agreed(yes))) return false;
  const failure = await fetchLibraries();
  if (failure !== undefined) {
    throw new SetupError(
      `The libraries could not be fetched: ${failure}\nThis needs the network. Behind a proxy set GLOBAL_AGENT_HTTPS_PROXY. ` +
        `Offline, put the files named above, of version ${version()}, into that folder; onnxruntime-gpu of the same version carries them.`,
    );
  }
  const still = libraries().missing;
  if (still.length > 0) throw new SetupError(`After fetching, still missing: ${still.join(', ')}`);
  return true;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      yes: { type: 'boolean', default: false },
      'without-driver': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  explain();
  checkPlatform();
  checkDriver(!values['without-driver']);
  checkSpace();
  if (!(await fetchIfMissing(values.yes))) {
    console.log('Nothing was fetched.');
    return;
  }
  if (values['without-driver']) return;
  const failure = probe();
  if (failure !== undefined)
    throw new SetupError(`The libraries are there, and a session on the GPU fails:\n${failure}`);
  console.log('A session on the GPU works. Start with MASKWRIGHT_DEVICE=cuda.');
}

main().catch((reason: unknown) => {
  console.error(reason instanceof SetupError ? `\n${reason.message}` : reason);
  process.exitCode = 1;
});
