/** Pages of edge/site: each folder with an index.html is one, its main.ts is bundled for browsers, its styles too. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { framed } from './frame.ts';

/** Pages that do not stand under their own name. */
const FILES: Readonly<Record<string, string>> = { playground: 'index.html', 'not-found': '404.html' };

/**
 * Writes each page where it stands, `assets/NAME.js` and `assets/NAME.css` from its main.ts and main.css. Parts that
 * scripts share are in files of their own.
 */
export async function bundlePages(pages: string, target: string): Promise<void> {
  const names = readdirSync(pages).filter((name) => existsSync(join(pages, name, 'index.html')));
  for (const name of names) {
    const file = join(target, FILES[name] ?? join(name, 'index.html'));
    mkdirSync(dirname(file), { recursive: true });
    const html = readFileSync(join(pages, name, 'index.html'), 'utf8');
    writeFileSync(file, framed(html, name));
  }
  const entries = readdirSync(pages).flatMap((name) =>
    ['main.ts', 'main.css']
      .map((file) => join(pages, name, file))
      .filter((file) => existsSync(file))
      .map((file) => ({ in: file, out: name })),
  );
  await build({
    entryPoints: entries,
    outdir: join(target, 'assets'),
    bundle: true,
    splitting: true,
    // Named for what is in them: browsers keep them for good (edge/public/_headers).
    chunkNames: 'parts/[name]-[hash]',
    format: 'esm',
    platform: 'browser',
    target: ['es2022', 'chrome120', 'firefox120', 'safari17'],
    minify: true,
    legalComments: 'linked',
    logLevel: 'warning',
  });
}
