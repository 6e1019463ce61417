/** The widget as one module for browsers. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { build } from 'esbuild';
import { VERSION } from '../../edge/widget/version.ts';

/** @param root folder of the project */
export async function bundleWidget(root: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'edge', 'widget', 'main.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: ['es2022', 'chrome111', 'firefox120', 'safari16.4'],
    minify: true,
    banner: { js: `/*! maskwright-text ${VERSION} | Apache-2.0 */` },
    legalComments: 'none',
    logLevel: 'warning',
  });
  return outputFiles[0].contents;
}

/** As the attribute `integrity` of a script has it. */
export function integrityOf(bytes: Uint8Array): string {
  return `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
}
