/** `npm run widget`: releases the widget as it is under its version, for edge/public/embed; its hash goes into docs/widget.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../edge/widget/version.ts';
import { bundleWidget } from './widget/bundle.ts';
import { MANIFEST, release } from './widget/releases.ts';

const root = join(import.meta.dirname, '..');
const { path, integrity } = release(join(root, 'edge', 'public', 'embed'), {
  version: VERSION,
  module: await bundleWidget(root),
  manifest: readFileSync(join(root, 'edge', 'widget', MANIFEST), 'utf8'),
});
console.log(`${path}\n${integrity}`);
