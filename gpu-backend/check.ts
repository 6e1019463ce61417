/**
 * The check of finished texts before they are handed out: shared/constraints/check with a JSON Schema validator (ajv) beside it.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { check } from '../shared/constraints/check.ts';
import type { Check } from './engine/text-events.ts';

/**
 * Why a text is no JSON instance of a schema; undefined when it is one.
 *
 * Keywords that are annotations to us are annotations to ajv too (`strict: false`); what we cannot enforce was refused long before.
 */
export function validateJson(schema: unknown, text: string): string | undefined {
  let instance: unknown;
  try {
    instance = JSON.parse(text);
  } catch {
    return 'the text is not JSON';
  }
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null)) return 'the schema is no schema';
  const ajv = new Ajv2020({ strict: false, logger: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  return validate(instance) ? undefined : ajv.errorsText(validate.errors, { dataVar: '' });
}

/** Checks a finished text against its request, tokens counted by whoever wrote it. */
export const checkText: Check = (request, text, tokens) => check(request, text, { validateJson, tokens });
