import { describe, expect, it } from 'vitest';
import { HOSTILE_REQUESTS } from '../../bench/hostile-requests.ts';
import { validate } from '../../edge/requests/validate.ts';
import { compileConstraint } from '../../shared/constraints/compile.ts';
import { decide } from '../../shared/constraints/feasibility.ts';
import { generationSchema } from '../../shared/contract/generation.ts';
import { ProblemError } from '../../shared/contract/problem.ts';

/** A regression that explodes takes seconds; the figures are `npm run bench -- constraint`. */
const FAR_TOO_LONG_MS = 2_000;

describe('requests made to hurt', () => {
  it.each(Object.entries(HOSTILE_REQUESTS))('%s: a verdict or a problem with its pointer, soon', (_, body) => {
    const started = Date.now();
    try {
      const compiled = compileConstraint(validate(generationSchema, body), { context: 250 });
      const decision = decide(compiled, { tokens: Math.min(compiled.tokens.max, 250), longestTokenBytes: 16 });
      if (!decision.satisfiable) expect(decision.conflict.length).toBeGreaterThan(0);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      expect(error.problem.pointer).toBeTypeOf('string');
      expect(['invalid_request', 'invalid_template', 'limit_exceeded', 'unsupported_constraint']).toContain(
        error.problem.code,
      );
    }
    expect(Date.now() - started).toBeLessThan(FAR_TOO_LONG_MS);
  });
});
