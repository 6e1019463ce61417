/**
 * The error catalogue: every refusal and failure of the public and the internal API, by stable code.
 *
 * A problem travels as RFC 9457 `application/problem+json`; the same body carries OpenAI's `error` object, so that
 * clients of either shape read it without translation.
 */

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** The `type` of OpenAI's error object. */
  readonly openai:
    | 'invalid_request_error'
    | 'authentication_error'
    | 'insufficient_quota'
    | 'rate_limit_error'
    | 'api_error';
}

export const PROBLEMS = {
  malformed_json: { status: 400, title: 'The body is not valid JSON', openai: 'invalid_request_error' },
  invalid_request: { status: 400, title: 'A field of the request is not valid', openai: 'invalid_request_error' },
  unknown_field: { status: 400, title: 'The request has a field that does not exist', openai: 'invalid_request_error' },
  invalid_template: { status: 400, title: 'The template cannot be read', openai: 'invalid_request_error' },
  unknown_model: { status: 404, title: 'No such model', openai: 'invalid_request_error' },
  unknown_style: { status: 400, title: 'The model has no such style', openai: 'invalid_request_error' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json', openai: 'invalid_request_error' },
  body_too_large: { status: 413, title: 'The body is larger than the limit', openai: 'invalid_request_error' },
  limit_exceeded: {
    status: 422,
    title: 'A limit of the constraint language is exceeded',
    openai: 'invalid_request_error',
  },
  unsupported_constraint: { status: 422, title: 'A constraint cannot be enforced', openai: 'invalid_request_error' },
  unsatisfiable_constraints: {
    status: 422,
    title: 'No text can satisfy all constraints',
    openai: 'invalid_request_error',
  },
  missing_key: { status: 401, title: 'No API key was given', openai: 'authentication_error' },
  invalid_key: { status: 401, title: 'The API key is not valid', openai: 'authentication_error' },
  bad_signature: {
    status: 401,
    title: 'The signature is missing, wrong or stale',
    openai: 'authentication_error',
  },
  key_revoked: { status: 401, title: 'The API key was revoked', openai: 'authentication_error' },
  key_expired: { status: 401, title: 'The API key has expired', openai: 'authentication_error' },
  invalid_session: { status: 401, title: 'The client session is not valid', openai: 'authentication_error' },
  session_expired: { status: 401, title: 'The client session has expired', openai: 'authentication_error' },
  session_used: { status: 403, title: 'The client session is used up', openai: 'invalid_request_error' },
  session_required: { status: 403, title: 'The preset runs in client sessions only', openai: 'invalid_request_error' },
  visitor_not_verified: {
    status: 403,
    title: 'Turnstile did not verify the visitor',
    openai: 'invalid_request_error',
  },
  account_closed: { status: 403, title: 'The account is closed', openai: 'invalid_request_error' },
  missing_scope: { status: 403, title: 'The API key may not do this', openai: 'invalid_request_error' },
  origin_not_allowed: {
    status: 403,
    title: 'The API key may not be used from this website',
    openai: 'invalid_request_error',
  },
  insufficient_credits: {
    status: 402,
    title: 'The balance does not cover what this may cost',
    openai: 'insufficient_quota',
  },
  spend_limit_reached: { status: 402, title: 'A limit of what may be spent is reached', openai: 'insufficient_quota' },
  payment_required: { status: 402, title: 'A key or a payment is needed', openai: 'insufficient_quota' },
  payment_invalid: { status: 402, title: 'The payment was not accepted', openai: 'insufficient_quota' },
  rate_limited: { status: 429, title: 'Too many requests', openai: 'rate_limit_error' },
  too_many_concurrent: { status: 429, title: 'Too many requests at once', openai: 'rate_limit_error' },
  idempotency_in_progress: {
    status: 409,
    title: 'The request with this Idempotency-Key is still running',
    openai: 'invalid_request_error',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    openai: 'invalid_request_error',
  },
  invalid_header: { status: 400, title: 'A header of the request is not valid', openai: 'invalid_request_error' },
  unsupported_field: {
    status: 400,
    title: 'The field exists elsewhere and means nothing here',
    openai: 'invalid_request_error',
  },
  unknown_account: { status: 404, title: 'No such account', openai: 'invalid_request_error' },
  unknown_key: { status: 404, title: 'No such key', openai: 'invalid_request_error' },
  unknown_preset: { status: 404, title: 'No such preset', openai: 'invalid_request_error' },
  conflict: { status: 409, title: 'This is not possible as things stand', openai: 'invalid_request_error' },
  not_configured: { status: 501, title: 'This deployment does not offer this', openai: 'api_error' },
  upstream_failed: { status: 502, title: 'A service we rely on failed', openai: 'api_error' },
  ledger_unavailable: { status: 503, title: 'The account cannot be reached', openai: 'api_error' },
  not_found: { status: 404, title: 'No such route', openai: 'invalid_request_error' },
  method_not_allowed: { status: 405, title: 'The route does not accept this method', openai: 'invalid_request_error' },
  overloaded: { status: 429, title: 'Too much work is waiting', openai: 'rate_limit_error' },
  deadline_exceeded: { status: 504, title: 'The text was not finished in time', openai: 'api_error' },
  duplicate_id: { status: 409, title: 'Another job has this id', openai: 'invalid_request_error' },
  stream_gone: { status: 410, title: 'The stream cannot be taken up again', openai: 'invalid_request_error' },
  work_abandoned: { status: 500, title: 'The work was given up after several tries', openai: 'api_error' },
  backend_unavailable: { status: 503, title: 'The inference service cannot be reached', openai: 'api_error' },
  backend_failed: { status: 502, title: 'The inference service broke off', openai: 'api_error' },
  check_failed: {
    status: 500,
    title: 'A finished text failed the independent check and was withheld',
    openai: 'api_error',
  },
  internal_error: { status: 500, title: 'Something of ours failed', openai: 'api_error' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/**
 * Problems that the same request meets again, however long one waits, though their status says to a client that it might not: clients of
 * OpenAI's kind repeat 409, 429 and all from 500 on by themselves.
 */
export const NOT_RETRIED: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'conflict',
  'duplicate_id',
  'not_configured',
  'deadline_exceeded',
  'work_abandoned',
  'check_failed',
]);

/** What a problem says beyond its kind. */
export interface ProblemDetails {
  /** JSON Pointer (RFC 6901) of the offending field, '' for the body as a whole. */
  readonly pointer?: string;
  /** The smallest set of constraints that cannot hold together, as JSON Pointers. */
  readonly conflict?: readonly string[];
  /** What would be possible instead, in words: 'at most 41 characters fit this template'. */
  readonly achievable?: string;
  /** Seconds to wait before trying again. */
  readonly retryAfter?: number;
}

export interface Problem extends ProblemDetails {
  readonly code: ProblemCode;
  readonly detail: string;
}

/** A problem on its way to becoming an answer; thrown inside handlers, turned into a response in one place. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

/** Makes a `ProblemError`. `detail` names the field, what was given and what is allowed. */
export function problem(code: ProblemCode, detail: string, details: ProblemDetails = {}): ProblemError {
  return new ProblemError({ code, detail, ...details });
}

/** The refusal of constraints that cannot hold together: the smallest such set, by pointers, and what would be possible. */
export function unsatisfiable(conflict: readonly string[], achievable: string): ProblemError {
  const [pointer = ''] = conflict;
  const which = conflict.length > 1 ? `${conflict.join(' and ')} together` : pointer || 'the request';
  const detail = `No text can satisfy ${which}: ${achievable}`;
  return problem('unsatisfiable_constraints', detail, { pointer, conflict, achievable });
}

/** There is no such stream, or not for this reader: the two look alike. */
export function streamGone(): ProblemError {
  const why = 'its generation ended too long ago, was given up for want of a reader, or never was';
  const what = 'send the request again; with its seed it gives the same text';
  return problem('stream_gone', `The stream cannot be taken up: ${why}. What to do: ${what}.`);
}

/** The JSON body of a problem: RFC 9457 members, our extensions, and OpenAI's `error` object. */
export function problemBody(value: Problem, requestId?: string): Record<string, unknown> {
  const kind = PROBLEMS[value.code];
  return {
    type: `https://maskwright.dev/problems/${value.code.replaceAll('_', '-')}`,
    title: kind.title,
    status: kind.status,
    detail: value.detail,
    code: value.code,
    ...(requestId === undefined ? {} : { instance: `/requests/${requestId}` }),
    ...(value.pointer === undefined ? {} : { pointer: value.pointer }),
    ...(value.conflict === undefined ? {} : { conflict: value.conflict }),
    ...(value.achievable === undefined ? {} : { achievable: value.achievable }),
    error: { message: value.detail, type: kind.openai, code: value.code, param: parameterOf(value.pointer) },
  };
}

/** A pointer as OpenAI names a field: `messages[0].content`; null for the body as a whole. */
function parameterOf(pointer = ''): string | null {
  if (pointer === '') return null;
  const keys = pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keys.reduce((name, key) => (/^\d+$/.test(key) ? `${name}[${key}]` : `${name}.${key}`));
}
