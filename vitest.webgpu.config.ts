/**
 * `npm run test:webgpu`: the tests that need a WebGPU adapter. Apart from `npm test`, which needs nothing but Node; `.ci/run` runs both.
 *
 * Without VK_ICD_FILENAMES they run on the software Vulkan device that comes with Chromium: slow, but a GPU's code path on any machine.
 */
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where Debian's chromium puts its software Vulkan driver. */
const SOFTWARE_DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** On Linux the Vulkan loader asks for a driver and a folder of its own; elsewhere the system's graphics are there. */
function environment(): Record<string, string> {
  if (process.platform !== 'linux') return {};
  const { VK_ICD_FILENAMES: driver = SOFTWARE_DRIVER, XDG_RUNTIME_DIR: folder } = process.env;
  if (!driver.split(':').every((file) => existsSync(file))) {
    throw new Error(
      `no Vulkan driver at ${driver}. Install one in software (Debian: apt-get install chromium libvulkan1), or name another with VK_ICD_FILENAMES`,
    );
  }
  return {
    VK_ICD_FILENAMES: driver,
    XDG_RUNTIME_DIR: folder ?? mkdtempSync(join(tmpdir(), 'maskwright-vulkan-')),
  };
}

export default defineConfig({
  test: {
    name: 'webgpu',
    environment: 'node',
    include: ['test/webgpu/**/*.test.ts'],
    // The variables must stand before the process loads the Vulkan loader: a process of its own, not a thread.
    pool: 'forks',
    // The device in software takes all cores; two tests at once only wait for each other.
    fileParallelism: false,
    env: environment(),
    // A software device does about a billion operations a second, half of that on busy cores.
    testTimeout: 480_000,
    hookTimeout: 120_000,
    ...(process.env.MASKWRIGHT_TEST_REPORT === undefined
      ? {}
      : { reporters: ['default', 'json'], outputFile: { json: process.env.MASKWRIGHT_TEST_REPORT } }),
  },
});
