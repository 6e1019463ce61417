/**
 * onnxruntime's CUDA libraries: where they lie, how they are fetched, whether they work.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What onnxruntime-node's install script fetches for CUDA 12 (its script/install-metadata.js). */
export const CUDA_LIBRARIES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
  'libonnxruntime_providers_tensorrt.so',
] as const;

/** Room for the archive, its unpacked copy and the libraries, with a reserve: hundreds of megabytes each. */
export const NEEDED_BYTES = 3 * 2 ** 30;

/** A driver that hangs must not hang the setup. */
const DRIVER_TIMEOUT_MS = 20_000;
/** The first session on a GPU loads cuDNN and compiles kernels. */
const PROBE_TIMEOUT_MS = 180_000;
/** Lines of a failed script that are worth showing. */
const SHOWN_LINES = 3;

const packageFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));

/** The installed version of onnxruntime-node. */
export function version(): string {
  const read: unknown = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  return String((read as { version?: unknown }).version);
}

/** Where the libraries belong, and which are not there. */
export function libraries(): { readonly folder: string; readonly missing: readonly string[] } {
  const folder = join(packageFolder, 'bin', 'napi-v6', process.platform, process.arch);
  return { folder, missing: CUDA_LIBRARIES.filter((name) => !existsSync(join(folder, name))) };
}

/** Name, driver version and memory of the GPUs, as the driver's own tool says; undefined where none answers. */
export function driver(): string | undefined {
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8', timeout: DRIVER_TIMEOUT_MS });
  const said = status === 0 ? stdout.trim() : '';
  return said === '' ? undefined : said.replaceAll('\n', '; ');
}

/** Free bytes where there are fewest: the archive goes to the temporary folder, the libraries into the package. */
export function freeBytes(): number {
  const free = (folder: string) => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
  return Math.min(free(tmpdir()), free(packageFolder));
}

/** Runs the package's install script. Returns why it failed, undefined where it did not. */
export function fetchLibraries(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const script = join(packageFolder, 'script', 'install.js');
    // The variable, not the flag: under npm the project's own setting, "skip", would take precedence. And 'true', not 'cuda12', which
    // 1.30.0 reads and forgets: within npm the script then ends with 0 and has fetched nothing. On Linux x64 both mean CUDA 12.
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'true' };
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'inherit', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.once('error', (reason) => resolve(reason.message));
    child.once('close', (code) => resolve(code === 0 ? undefined : reasonOf(errors, code)));
  });
}

/** The lines of a Node crash that say what happened. */
function reasonOf(errors: string, code: number | null): string {
  const lines = errors.split('\n').filter((line) => /error|failed|refused|timed? ?out|ENOTFOUND|EAI_AGAIN/i.test(line));
  return lines.length === 0 ? `the install script ended with ${code}` : lines.slice(0, SHOWN_LINES).join('\n').trim();
}

/** Opens a small session on the GPU, in a process of its own: a wrong library may end it. Returns why it failed. */
export function probe(): string | undefined {
  const script = fileURLToPath(new URL('./probe.ts', import.meta.url));
  const { status, signal, stderr } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
  });
  if (status === 0) return undefined;
  return stderr.trim() || `the process ended with ${signal ?? status}`;
}
