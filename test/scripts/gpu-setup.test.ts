/** What `npm run gpu:setup` says where there is no driver, no network, or another platform. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { libraries, version } from '../../scripts/gpu/cuda.ts';

const script = join(import.meta.dirname, '..', '..', 'scripts', 'gpu-setup.ts');

/** Runs the script as npm does, with the project's npm settings in the environment. */
function setup(parameters: readonly string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, CI: 'true', npm_config_onnxruntime_node_install: 'skip', ...environment };
  return spawnSync(process.execPath, [script, ...parameters], { encoding: 'utf8', env, timeout: 60_000 });
}

const onLinux = process.platform === 'linux' && process.arch === 'x64';
/** A port nobody listens on: no network as far as the install script can tell. */
const NO_NETWORK = { GLOBAL_AGENT_HTTPS_PROXY: 'http://127.0.0.1:9' };

describe('npm run gpu:setup', () => {
  it('says what it would fetch and where to, before anything else', () => {
    const { stdout } = setup([], { PATH: '/nowhere' });
    expect(stdout).toContain(`CUDA libraries of onnxruntime ${version()}`);
    expect(stdout).toContain('libonnxruntime_providers_cuda.so');
    expect(stdout).toContain(libraries().folder);
  });

  it('fetches nothing where no driver answers, and says what to do', () => {
    const { status, stderr } = setup(['--yes'], { PATH: '/nowhere' });
    expect(status).toBe(1);
    expect(stderr).toMatch(onLinux ? /No NVIDIA driver answers.*--without-driver/s : /CUDA on linux x64 only.*webgpu/s);
  });

  it('fails without the network, and says how to do without', () => {
    const before = libraries().missing;
    const { status, stdout, stderr } = setup(['--yes', '--without-driver'], NO_NETWORK);
    if (before.length === 0) {
      expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('there already') });
      return;
    }
    expect(status).toBe(1);
    if (!onLinux) return;
    expect(stderr).toMatch(
      /could not be fetched: .*ECONNREFUSED.*needs the network.*GLOBAL_AGENT_HTTPS_PROXY.*Offline/s,
    );
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(libraries().missing).toEqual(before);
  });
});
