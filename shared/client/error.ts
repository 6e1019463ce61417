/** What a client throws: a problem as the API states it, or that no answer came. */

/** RFC 9457 body of the API's problems, as far as it is for programs. */
export interface ProblemBody {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  readonly pointer?: string;
  readonly conflict?: readonly string[];
  readonly achievable?: string;
}

export class MaskwrightError extends Error {
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** Stable: `unsatisfiable_constraints`, `insufficient_credits`, ...; `no_answer` where none came, `unreadable` where it was not ours. */
  readonly code: string;
  /** JSON Pointer of the offending field, '' for the body as a whole. */
  readonly pointer?: string;
  /** The smallest set of constraints that cannot hold together, as JSON Pointers. */
  readonly conflict?: readonly string[];
  /** What would be possible instead, in words. */
  readonly achievable?: string;
  /** To be named when asking for help. */
  readonly requestId?: string;
  /** Seconds to wait before trying again. */
  readonly retryAfter?: number;

  constructor(
    problem: Pick<ProblemBody, 'status' | 'code' | 'detail'> & Partial<ProblemBody>,
    { requestId, retryAfter, cause }: { requestId?: string; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(problem.detail, { cause });
    this.name = 'MaskwrightError';
    this.status = problem.status;
    this.code = problem.code;
    this.pointer = problem.pointer;
    this.conflict = problem.conflict;
    this.achievable = problem.achievable;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/** The error that a response which is no success stands for. */
export async function errorOf(response: Response): Promise<MaskwrightError> {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
  const context = { requestId, retryAfter: Number.isFinite(wait) ? wait : undefined };
  const text = await response.text().catch(() => '');
  return readProblem(text, context) ?? unreadable(response.status, context);
}

/** The error in a problem's JSON, undefined where it is none. */
export function readProblem(
  json: string,
  context: { requestId?: string; retryAfter?: number } = {},
): MaskwrightError | undefined {
  try {
    const problem = JSON.parse(json) as ProblemBody;
    if (typeof problem.code === 'string' && typeof problem.detail === 'string')
      return new MaskwrightError(problem, context);
  } catch {
    // Not ours: a proxy's page, a body that was cut off.
  }
  return undefined;
}

function unreadable(status: number, context: { requestId?: string; retryAfter?: number }): MaskwrightError {
  const detail = `The answer has status ${status} and cannot be read.`;
  return new MaskwrightError({ status, code: 'unreadable', detail }, context);
}

/** No answer came, or it broke off. */
export function noAnswer(detail: string, cause?: unknown): MaskwrightError {
  return new MaskwrightError({ status: 0, code: 'no_answer', detail }, { cause });
}
