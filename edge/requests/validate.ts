/** A body against a valibot schema; what does not fit becomes a problem with the JSON Pointer of the field. */
import * as v from 'valibot';
import { suggestion } from '../../shared/contract/nearest.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';

/** Deepest nesting of a body; far more than a readable JSON Schema has, far less than a stack holds. */
const DEEPEST = 64;

type Path = readonly (string | number)[];

/**
 * The validated form of a body.
 * @throws ProblemError `unknown_field` or `invalid_request`, with the pointer of the first offending field.
 */
export function validate<Schema extends v.GenericSchema>(schema: Schema, body: unknown): v.InferOutput<Schema> {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw problem('invalid_request', `The body must be a JSON object; ${kindOf(body)} was given.`, { pointer: '' });
  }
  checkStrings(body, []);
  const result = v.safeParse(schema, body);
  if (!result.success) {
    const issues = result.issues.map(innermost);
    throw issueProblem(issues.find(isUnknownField) ?? issues[0], schema);
  }
  const lost = firstDifference(body, result.output, []);
  if (lost !== undefined) throw lost;
  return result.output;
}

/** RFC 6901. */
export function jsonPointer(path: Path): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

interface Issue {
  readonly path: Path;
  readonly issue: v.BaseIssue<unknown>;
}

/** The issue that names the field: where a union failed, the issue of the one variant whose kind of value was given. */
function innermost(issue: v.BaseIssue<unknown>): Issue {
  const path = (issue.path ?? []).map((item) => item.key as string | number);
  const kind = Array.isArray(issue.input) ? 'array' : 'object';
  const inner = issue.issues?.filter((sub) => sub.path?.[0].type === kind).map(innermost) ?? [];
  if (inner.length === 0) return { path, issue };
  const chosen = inner.find(isUnknownField) ?? inner[0];
  return { path: [...path, ...chosen.path], issue: chosen.issue };
}

function isUnknownField({ issue }: Issue): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never';
}

function issueProblem(found: Issue, schema: v.GenericSchema): ProblemError {
  const { path, issue } = found;
  const pointer = jsonPointer(path);
  if (isUnknownField(found)) return unknownField(path, fieldsAt(schema as SchemaNode, path.slice(0, -1)));
  if (issue.type === 'strict_object' && issue.received === 'undefined') {
    return problem('invalid_request', `The field ${pointer} is missing.`, { pointer });
  }
  const detail = `The field ${pointer} must be ${allowed(issue)}; ${shown(issue.input)} was given.`;
  return problem('invalid_request', detail, { pointer });
}

function unknownField(path: Path, fields: readonly string[]): ProblemError {
  const name = String(path.at(-1));
  const where = path.length === 1 ? 'The request' : `The object ${jsonPointer(path.slice(0, -1))}`;
  const hint = suggestion(name, fields);
  const choice = hint !== '' || fields.length === 0 ? '' : `; it may have ${fields.join(', ')}`;
  const detail = `${where} has no field ${shown(name)}${hint}${choice}`;
  return problem('unknown_field', detail.endsWith('?') ? detail : `${detail}.`, { pointer: jsonPointer(path) });
}

/** What an issue's check allows, in words. */
function allowed(issue: v.BaseIssue<unknown>): string {
  const bound = String(issue.requirement);
  const unit = typeof issue.input === 'string' ? 'characters long' : 'items long';
  switch (issue.type) {
    case 'min_value':
      return `at least ${bound}`;
    case 'max_value':
      return `at most ${bound}`;
    case 'gt_value':
      return `more than ${bound}`;
    case 'min_length':
      return `at least ${bound} ${unit}`;
    case 'max_length':
      return `at most ${bound} ${unit}`;
    case 'integer':
      return 'a whole number';
  }
  const words: Record<string, string> = { Object: 'an object', Array: 'an array', unknown: 'any value' };
  const choices = (issue.expected ?? 'something else').replace(/^\((.*)\)$/, '$1').split(/ \| |\|/);
  const named = choices.map((choice) => {
    const bare = choice.replace(/[()]/g, '');
    return words[bare] ?? (/^[a-z]+$/.test(bare) && !['true', 'false', 'null'].includes(bare) ? `a ${bare}` : bare);
  });
  return [...new Set(named)].join(' or ');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A value as it was given, short enough for a message. */
function shown(value: unknown): string {
  if (value !== null && typeof value === 'object') return kindOf(value);
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 48 ? `${json.slice(0, 45)}...${typeof value === 'string' ? '"' : ''}` : json;
}

/** The parts of a valibot schema that lead to the fields of its objects. */
type SchemaNode = v.GenericSchema & {
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly wrapped?: SchemaNode;
  readonly options?: readonly (SchemaNode | string)[];
  readonly value?: SchemaNode;
  readonly item?: SchemaNode;
};

/** Names of the fields that an object at this path may have. */
function fieldsAt(schema: SchemaNode | string | undefined, path: Path): readonly string[] {
  if (schema === undefined || typeof schema === 'string') return [];
  if (schema.wrapped !== undefined) return fieldsAt(schema.wrapped, path);
  if (schema.type === 'union' || schema.type === 'variant') {
    return [...new Set((schema.options ?? []).flatMap((option) => fieldsAt(option, path)))];
  }
  if (path.length === 0) return Object.keys(schema.entries ?? {});
  const [key, ...rest] = path;
  return fieldsAt(schema.entries?.[key] ?? schema.item ?? schema.value, rest);
}

/** Strings must be well-formed Unicode, or they could not come back byte for byte; nesting must be bounded. */
function checkStrings(value: unknown, path: Path): void {
  const refuse = (what: string) => problem('invalid_request', what, { pointer: jsonPointer(path) });
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw refuse(`The field ${jsonPointer(path)} has half of a surrogate pair, which is not a character.`);
  }
  if (value === null || typeof value !== 'object') return;
  if (path.length >= DEEPEST) throw refuse(`The body is nested deeper than ${DEEPEST} levels.`);
  for (const [key, member] of Object.entries(value)) {
    if (!key.isWellFormed()) throw refuse('The name of a field has half of a surrogate pair.');
    checkStrings(member, Array.isArray(value) ? [...path, Number(key)] : [...path, key]);
  }
}

/**
 * What validation let fall without a word: valibot skips keys like "constructor" and takes an array for an empty object.
 * Nothing that a caller sends may be ignored, so the output must say all that the input says.
 */
function firstDifference(input: unknown, output: unknown, path: Path): ProblemError | undefined {
  if (input === output || input === null || typeof input !== 'object') return undefined;
  if (output === null || typeof output !== 'object' || Array.isArray(input) !== Array.isArray(output)) {
    const pointer = jsonPointer(path);
    return problem('invalid_request', `The field ${pointer} must not be ${kindOf(input)}.`, { pointer });
  }
  for (const [key, member] of Object.entries(input)) {
    const inner = Array.isArray(input) ? [...path, Number(key)] : [...path, key];
    if (!Object.hasOwn(output, key)) return unknownField(inner, []);
    const lost = firstDifference(member, (output as Record<string, unknown>)[key], inner);
    if (lost !== undefined) return lost;
  }
  return undefined;
}
