/**
 * `npm run site`: puts the website together in `.site`, from where the edge serves it (wrangler.toml, [assets]): what stands in
 * edge/public as it is, the pages of edge/site with their scripts bundled, the docs as pages, and the widget.
 */
import { join } from 'node:path';
import { buildSite } from './site/build.ts';

const root = join(import.meta.dirname, '..');
const files = await buildSite(root, join(root, '.site'));
if (process.argv.includes('--list')) {
  for (const { path, bytes, gzip } of files) console.log(`${path}\t${bytes}\t${gzip}`);
}
