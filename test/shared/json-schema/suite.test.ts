import { describe, expect, it } from 'vitest';
import { runSuite, SUITE_FOLDER } from '../../../bench/json-schema/suite.ts';

/** Schemas of the suite that compile; a change of the compiler that loses some shows here. */
const COMPILED = 175;

const result = runSuite();
if (result === undefined)
  console.warn(`JSON-Schema-Test-Suite is not at ${SUITE_FOLDER.pathname}: its test is left out`);

describe.skipIf(result === undefined)('JSON-Schema-Test-Suite', () => {
  it('accepts no invalid instance and every valid one of the generated part; refuses other schemas by name', () => {
    expect(result?.wrong).toEqual([]);
    expect(result?.compiled).toBeGreaterThanOrEqual(COMPILED);
  });
});
