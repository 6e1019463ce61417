/**
 * Random schemas, both ways against ajv: what the automaton accepts is valid, and what is valid and generated is accepted.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Holds, leftOut } from '../../../bench/json-schema/generated-part.ts';
import { spellings } from '../../../bench/json-schema/spellings.ts';
import { type ByteAutomaton, run } from '../../../shared/constraints/automaton.ts';
import { compileJsonSchema } from '../../../shared/constraints/json-schema.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';
import { instanceOf, type Schema, schemas } from './random-schema.ts';
import { createWalker, randomNumbers } from './walk.ts';

const RUNS = Number(process.env.MASKWRIGHT_SCHEMA_RUNS ?? 600);
const WALKS = 24;
const INSTANCES = 12;

function validator(schema: Schema): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, logger: false });
  addFormats.default(ajv);
  return ajv.compile(schema);
}

/** The automaton of a schema, undefined where it is refused. */
function compiled(schema: Schema): ByteAutomaton | undefined {
  try {
    return compileJsonSchema(schema, '/json_schema');
  } catch (error) {
    if (error instanceof ProblemError && error.problem.pointer?.startsWith('/json_schema')) return undefined;
    throw error;
  }
}

describe('random schemas against ajv', () => {
  it('accepts only valid texts, and every generated valid instance', { timeout: 300_000 }, () => {
    const count = { compiled: 0, refused: 0, walks: 0, instances: 0 };
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(schemas, fc.integer(), (schema, seed) => {
        const automaton = compiled(schema);
        if (automaton === undefined) {
          count.refused++;
          return;
        }
        count.compiled++;
        const validate = validator(schema);
        const parts = new Map<unknown, ValidateFunction>();
        const holds: Holds = (part, value) => {
          const known = parts.get(part) ?? validator({ allOf: [part], $defs: schema.$defs ?? {} });
          parts.set(part, known);
          return known(value);
        };
        const random = randomNumbers(seed);
        const walk = createWalker(automaton);
        for (let i = 0; i < WALKS; i++) {
          const text = walk(random);
          if (text === undefined) continue;
          count.walks++;
          if (!validate(JSON.parse(text))) throw new Error(`accepted: ${text}: ${JSON.stringify(validate.errors)}`);
        }
        for (let i = 0; i < INSTANCES; i++) {
          const instance = instanceOf(schema, schema, (below) => Math.floor(random() * below));
          const valid = validate(instance) && leftOut(schema, instance, holds) === undefined;
          if (valid) count.instances++;
          for (const text of spellings(instance)) {
            const accepted = run(automaton, encoder.encode(text));
            if (accepted && !validate(instance)) throw new Error(`accepted: ${text}`);
            if (valid && !accepted) throw new Error(`refused: ${text}`);
          }
        }
      }),
      { numRuns: RUNS },
    );
    console.log(
      `random schemas: ${count.compiled} compiled, ${count.refused} refused; ${count.walks} accepted texts valid, ` +
        `${count.instances} valid instances accepted`,
    );
    expect(count.walks).toBeGreaterThan(RUNS);
    expect(count.instances).toBeGreaterThan(RUNS);
  });
});
