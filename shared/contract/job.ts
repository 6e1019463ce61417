/**
 * The job as it travels: from the edge to the backend, and from a gateway to an engine.
 */
import * as v from 'valibot';
import { generationSchema, LIMITS, PRIORITIES } from './generation.ts';
import { DECISION_LIMITS, decisionSpecSchema } from './questions.ts';
import { TRACEPARENT } from './trace.ts';

/** A day; whoever has more time has no deadline. */
const MOST_DEADLINE_MS = 86_400_000;
const MOST_RESUME_MS = 300_000;

const milliseconds = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

export const jobSchema = v.strictObject({
  // It stands in subjects and keys of message queues.
  id: v.pipe(v.string(), v.regex(/^[\w-]{1,128}$/, 'must be 1 to 128 letters, digits, - and _')),
  priority: v.optional(v.picklist(PRIORITIES)),
  deadline_ms: v.optional(milliseconds(1, MOST_DEADLINE_MS)),
  resume_ms: v.optional(milliseconds(0, MOST_RESUME_MS)),
  owner: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
  traceparent: v.optional(v.pipe(v.string(), v.regex(TRACEPARENT, 'must be a W3C traceparent'))),
  request: v.pipe(
    v.strictObject({
      ...generationSchema.entries,
      model: v.string(),
      seed: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)),
      n: v.optional(
        v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(Math.max(LIMITS.n, DECISION_LIMITS.questions))),
      ),
      decision: v.optional(decisionSpecSchema),
    }),
    v.check(
      ({ n = 1, decision }) => decision === undefined || decision.questions.length === n,
      'n must be the number of questions',
    ),
  ),
});
