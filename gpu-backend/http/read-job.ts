/**
 * A job from the body of a signed request.
 */
import * as v from 'valibot';
import { type GenerationJob, generationSchema, PRIORITIES } from '../../shared/contract/generation.ts';
import { problem } from '../../shared/contract/problem.ts';

/** A day; whoever has more time has no deadline. */
const MOST_DEADLINE_MS = 86_400_000;
const MOST_RESUME_MS = 300_000;

const milliseconds = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

const jobSchema = v.strictObject({
  // It stands in subjects and keys of message queues.
  id: v.pipe(v.string(), v.regex(/^[\w-]{1,128}$/, 'must be 1 to 128 letters, digits, - and _')),
  priority: v.optional(v.picklist(PRIORITIES)),
  deadline_ms: v.optional(milliseconds(1, MOST_DEADLINE_MS)),
  resume_ms: v.optional(milliseconds(0, MOST_RESUME_MS)),
  owner: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
  traceparent: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/, 'must be a W3C traceparent'),
    ),
  ),
  request: v.strictObject({
    ...generationSchema.entries,
    model: v.string(),
    seed: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)),
  }),
});

/**
 * Reads a job. The edge has validated the request already; what fails here is a caller that is not the edge, or another version of it.
 *
 * @throws ProblemError malformed_json, invalid_request with the pointer of the first field that is not valid
 */
export function readJob(body: string): GenerationJob {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw problem('malformed_json', 'The body is not valid JSON.', { pointer: '' });
  }
  const result = v.safeParse(jobSchema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = (issue.path ?? []).map(({ key }) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`);
  // Pointers speak of the caller's request, not of the job around it.
  const pointer = path.join('').replace(/^\/request(?=\/|$)/, '');
  throw problem('invalid_request', `${pointer || 'the body'}: ${issue.message}`, { pointer });
}
