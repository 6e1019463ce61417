/**
 * A job from the body of a signed request.
 */
import * as v from 'valibot';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { jobSchema } from '../../shared/contract/job.ts';
import { problem } from '../../shared/contract/problem.ts';

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
