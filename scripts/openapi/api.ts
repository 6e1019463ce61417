/** The public API, all of it: what the document is made from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BILLING_OPERATIONS, BILLING_SCHEMAS } from './billing.ts';
import { COMPATIBLE_OPERATIONS, COMPATIBLE_SCHEMAS } from './compatible.ts';
import { type OpenApiDocument, openApiDocument } from './document.ts';
import { GENERATION_OPERATIONS } from './generations.ts';
import { ACCOUNT_OPERATIONS, KEY_SCHEMAS } from './keys.ts';
import { NOTES } from './notes.ts';
import type { Operation } from './operation.ts';
import { PRESET_OPERATIONS, PRESET_SCHEMAS } from './presets.ts';
import { SCHEMAS } from './schemas.ts';
import { SESSION_OPERATIONS, SESSION_SCHEMAS } from './sessions.ts';

export const OPERATIONS: readonly Operation[] = [
  ...GENERATION_OPERATIONS,
  ...PRESET_OPERATIONS,
  ...SESSION_OPERATIONS,
  ...COMPATIBLE_OPERATIONS,
  ...BILLING_OPERATIONS,
  ...ACCOUNT_OPERATIONS,
];

export function describeApi(): OpenApiDocument {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'));
  const schemas = {
    ...SCHEMAS,
    ...COMPATIBLE_SCHEMAS,
    ...KEY_SCHEMAS,
    ...BILLING_SCHEMAS,
    ...PRESET_SCHEMAS,
    ...SESSION_SCHEMAS,
  };
  return openApiDocument({ operations: OPERATIONS, schemas, notes: NOTES, version });
}
