import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { check } from '../../../shared/constraints/check.ts';
import { compileConstraint } from '../../../shared/constraints/compile.ts';
import { decide } from '../../../shared/constraints/feasibility.ts';
import { ProblemError } from '../../../shared/contract/problem.ts';
import { acceptsText } from './accepts-text.ts';
import { type Case, readCases } from './case-file.ts';

const LIMITS = { context: 240 };
const cases = readCases();

function validateJson(schema: unknown, text: string): string | undefined {
  const validate = new Ajv2020({ strict: false }).compile(schema as object);
  try {
    return validate(JSON.parse(text)) ? undefined : 'not valid under the schema';
  } catch {
    return 'not JSON';
  }
}

function decideCase({ request }: Case) {
  const compiled = compileConstraint(request, LIMITS);
  return decide(compiled, { tokens: compiled.tokens.max, longestTokenBytes: 16 });
}

test('there are at least 300 cases', () => {
  const count = cases.reduce(
    (sum, c) => sum + c.accepted.length + c.refused.length + (c.problem || c.conflict ? 1 : 0),
    0,
  );
  expect(count).toBeGreaterThanOrEqual(300);
});

for (const file of new Set(cases.map((c) => c.file))) {
  describe(file, () => {
    for (const item of cases.filter((c) => c.file === file)) {
      if (item.problem !== undefined) {
        test(`${item.name} is refused`, () => {
          try {
            decideCase(item);
          } catch (error) {
            if (!(error instanceof ProblemError)) throw error;
            expect(error.problem.code).toBe(item.problem?.code);
            if (item.problem?.pointer !== undefined) expect(error.problem.pointer).toBe(item.problem.pointer);
            return;
          }
          expect.unreachable('the request was accepted');
        });
        continue;
      }
      if (item.conflict !== undefined) {
        test(`${item.name} cannot be satisfied`, () => {
          const decision = decideCase(item);
          if (decision.satisfiable) expect.unreachable(`found: ${decision.witness}`);
          else {
            expect(decision.conflict.toSorted()).toEqual(item.conflict?.toSorted());
            if (item.achievable !== undefined) expect(decision.achievable).toContain(item.achievable);
          }
        });
        continue;
      }
      test(`${item.name}: automaton and checker agree with the case`, () => {
        const compiled = compileConstraint(item.request, LIMITS);
        const judge = (text: string) => ({
          text,
          automaton: acceptsText(compiled, text),
          checker: check(item.request, text, { validateJson }).failed.length === 0,
        });
        expect(item.accepted.map(judge)).toEqual(
          item.accepted.map((text) => ({ text, automaton: true, checker: true })),
        );
        expect(item.refused.map(judge)).toEqual(
          item.refused.map((text) => ({ text, automaton: false, checker: false })),
        );
        const decision = decideCase(item);
        expect(decision.satisfiable).toBe(true);
        if (decision.satisfiable) {
          expect(judge(decision.witness)).toEqual({ text: decision.witness, automaton: true, checker: true });
        }
      });
    }
  });
}
