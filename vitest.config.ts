import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** `npx vitest run --project node` or `--project workers` runs one of the two. */
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
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/edge/**', 'test/browser/**', 'test/webgpu/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
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
        },
      },
    ],
  },
});
