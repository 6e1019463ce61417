/** The public API, all of it: what the document is made from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenApiDocument, openApiDocument } from './document.ts';
import { GENERATION_OPERATIONS } from './generations.ts';
import { NOTES } from './notes.ts';
import type { Operation } from './operation.ts';
import { SCHEMAS } from './schemas.ts';

export const OPERATIONS: readonly Operation[] = [...GENERATION_OPERATIONS];

export function describeApi(): OpenApiDocument {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'));
  return openApiDocument({ operations: OPERATIONS, schemas: SCHEMAS, notes: NOTES, version });
}
