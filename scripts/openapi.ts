/**
 * `npm run openapi`: writes edge/public/openapi.json and the reference page beside it. `-- --check` only says whether they are as they
 * would be written.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeApi } from './openapi/api.ts';
import { referencePage } from './openapi/page.ts';

const PUBLIC = join(import.meta.dirname, '..', 'edge', 'public');

const document = describeApi();
const files = {
  'openapi.json': `${JSON.stringify(document, null, 1)}\n`,
  'reference/index.html': referencePage(document),
};
const stale: string[] = [];
for (const [name, text] of Object.entries(files)) {
  const path = join(PUBLIC, name);
  if (process.argv.includes('--check')) {
    if (readFileSync(path, 'utf8') !== text) stale.push(name);
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`edge/public/${name}`);
  }
}
if (stale.length > 0) {
  console.error(`Not as the schemas say: ${stale.join(', ')}. Run: npm run openapi`);
  process.exitCode = 1;
}
