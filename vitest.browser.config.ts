/**
 * `npm run test:browser`: the website and the widget, driven in a real Chromium before the whole local stack. Apart from `npm test`, which
 * needs nothing but Node; `.ci/run` runs both. CHROMIUM names another program than /usr/bin/chromium.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'browser',
    environment: 'node',
    silent: 'passed-only',
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['./test/browser/stack.ts'],
    // One service writes all texts: two files at once only wait for each other, and what is timed would be.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    ...(process.env.MASKWRIGHT_TEST_REPORT === undefined
      ? {}
      : { reporters: ['default', 'json'], outputFile: { json: process.env.MASKWRIGHT_TEST_REPORT } }),
  },
});
