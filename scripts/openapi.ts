/**
 * `npm run openapi`: writes edge/public/openapi.json, of which `npm run site` makes the reference page. `-- --check` only says whether it
 * is as it would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeApi } from './openapi/api.ts';

const path = join(import.meta.dirname, '..', 'edge', 'public', 'openapi.json');
const text = `${JSON.stringify(describeApi(), null, 1)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(path, text);
  console.log('edge/public/openapi.json');
} else if (readFileSync(path, 'utf8') !== text) {
  console.error('edge/public/openapi.json is not as the schemas say. Run: npm run openapi');
  process.exitCode = 1;
}
