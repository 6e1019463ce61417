/** What the API's document says of one operation: a method at a path. */
import type { GenericSchema } from 'valibot';
import type { Scope } from '../../edge/caller.ts';
import type { ProblemCode } from '../../shared/contract/problem.ts';

/** A schema of JSON Schema 2020-12, or the name of one under components/schemas. */
export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
}

export interface Answer {
  readonly description: string;
  /** By content type; without any the answer has no body. */
  readonly content?: Readonly<Record<string, JsonSchema>>;
}

/** Who may call it: a key with this scope, or a client session too; the operator, anybody; a webhook signs its body. */
export type Access = { readonly scope: Scope; readonly session?: true } | 'admin' | 'anybody' | 'webhook';

export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'delete' | 'patch';
  /** With {parameters}. */
  readonly path: string;
  readonly id: string;
  readonly group: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly parameters?: readonly Parameter[];
  /** The body that the route validates with this very schema. */
  readonly body?: {
    readonly name: string;
    readonly schema: GenericSchema;
    readonly examples: Readonly<Record<string, unknown>>;
  };
  readonly answers: Readonly<Record<number, Answer>>;
  /** Beyond those that every operation of its access and body can end in. */
  readonly problems?: readonly ProblemCode[];
}

/** Of every operation; of those that need a key; of those that take a body; of those that are metered. */
const ANY: readonly ProblemCode[] = ['method_not_allowed', 'internal_error'];
const KEYED: readonly ProblemCode[] = [
  'missing_key',
  'invalid_key',
  'key_revoked',
  'key_expired',
  'account_closed',
  'missing_scope',
  'origin_not_allowed',
];
/** Of client sessions, beside those of the keys that they were opened with. */
const WITH_SESSION: readonly ProblemCode[] = [
  'invalid_session',
  'session_expired',
  'session_used',
  'session_required',
  'not_configured',
];
/** Of the administrator's. */
const ADMIN: readonly ProblemCode[] = ['missing_key', 'invalid_key', 'not_configured'];
const WITH_BODY: readonly ProblemCode[] = [
  'malformed_json',
  'invalid_request',
  'unknown_field',
  'unsupported_media_type',
  'body_too_large',
];
/** Of what is asked of the inference service, and paid for. */
export const METERED: readonly ProblemCode[] = [
  'invalid_template',
  'unknown_model',
  'unknown_style',
  'limit_exceeded',
  'unsupported_constraint',
  'unsatisfiable_constraints',
  'insufficient_credits',
  'spend_limit_reached',
  'rate_limited',
  'too_many_concurrent',
  'idempotency_in_progress',
  'idempotency_mismatch',
  'invalid_header',
  'overloaded',
  'deadline_exceeded',
  'work_abandoned',
  'backend_unavailable',
  'backend_failed',
  'check_failed',
  'ledger_unavailable',
];

/** Every problem that an operation can end in. */
export function problemsOf({ access, body, problems = [] }: Operation): ProblemCode[] {
  const bySession = typeof access === 'object' && access.session ? WITH_SESSION : [];
  const keyed = typeof access === 'object' ? [...KEYED, ...bySession] : access === 'admin' ? ADMIN : [];
  return [...new Set([...ANY, ...keyed, ...(body === undefined ? [] : WITH_BODY), ...problems])];
}
