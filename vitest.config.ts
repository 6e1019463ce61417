import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** What is computed within the test's own process, and timed by nothing: two files at once take little more time than one. */
const COMPUTED = [
  'test/*.test.ts',
  'test/shared/{constraints,contract,json-schema}/**/*.test.ts',
  'test/gpu-backend/{denoise,install,lattice}/**/*.test.ts',
  'test/gpu-backend/model/!(release).test.ts', // that one measures the memory of processes
  'test/{site,scripts/site}/**/*.test.ts',
];

const node = { environment: 'node', testTimeout: 60_000, hookTimeout: 120_000 } as const;

/** `npx vitest run --project node`, `processes` or `workers` runs one of the three; they run one behind the other. */
export default defineConfig({
  test: {
    // What passed tests log (the edge a line for each request) would hide what failed.
    silent: 'passed-only',
    // .ci/run asks for a machine-readable report beside the one for people.
    ...(process.env.MASKWRIGHT_TEST_REPORT === undefined
      ? {}
      : { reporters: ['default', 'json'], outputFile: { json: process.env.MASKWRIGHT_TEST_REPORT } }),
    projects: [
      {
        test: {
          ...node,
          name: 'node',
          include: COMPUTED,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...node,
          name: 'processes',
          include: ['test/**/*.test.ts'],
          exclude: [...COMPUTED, 'test/edge/**', 'test/browser/**', 'test/webgpu/**'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // The edge runs in workerd, so its tests do too.
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: { bindings: { MIGRATIONS: await readD1Migrations('./edge/migrations') } },
          })),
        ],
        test: {
          name: 'workers',
          include: ['test/edge/**/*.test.ts'],
          setupFiles: ['./test/edge/migrate.ts'],
          testTimeout: 20_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
