/** What is deployed stays small: Cloudflare starts it anew in every data centre. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** KiB of the Worker, minified and gzipped, as `wrangler deploy` says them. */
const MOST_KIB = 120;

it(`the Worker is below ${MOST_KIB} KiB`, async () => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, '..', 'edge', 'index.ts')],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
  });
  const kib = gzipSync(outputFiles[0].contents, { level: 9 }).length / 1024;
  console.log(`${kib.toFixed(1)} KiB`);
  expect(kib).toBeLessThan(MOST_KIB);
});
