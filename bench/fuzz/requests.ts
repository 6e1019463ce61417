/** Random requests to the API, by its document: mostly of the right shape, some near to it, some nowhere near. */
import type { OpenApiDocument } from '../../scripts/openapi/document.ts';
import { anything, type Dice, mutated, randomValue, type Schema } from './values.ts';

export interface FuzzRequest {
  /** As the document names it. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What earlier answers gave: ids that exist, keys that work. */
export interface Known {
  readonly key: string;
  readonly adminSecret: string;
  /** By the first letters of an id: key_, acc_, gen_, preset_. */
  readonly ids: Map<string, string[]>;
}

interface Described {
  readonly path: string;
  readonly method: string;
  readonly id: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly body?: Schema;
  readonly security: readonly Record<string, unknown>[];
}

/** The operations of a document, flat. */
export function operationsOf(document: OpenApiDocument): Described[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { operationId, parameters = [], requestBody, security } = operation as Record<string, never>;
      const content = (requestBody as { content: Record<string, { schema: Schema }> } | undefined)?.content;
      return { path, method, id: operationId, parameters, body: content?.['application/json'].schema, security };
    }),
  );
}

/** Texts are made short and with few steps, so that it is the edges that are tried and not the patience. */
function brief(body: unknown): unknown {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return body;
  const { n: _n, template: _template, holes: _holes, json_schema: _schema, ...rest } = body as Record<string, unknown>;
  return { ...rest, length: { unit: 'tokens', max: 8 }, diffusion: { effort: 'fast' } };
}

/** Of what is seldom right by chance, a body that is. */
function likely(path: string, shaped: unknown): unknown {
  if (path === '/v1/generations') return brief(shaped);
  if (path.endsWith('/runs')) return { variables: { who: 'Ann' } };
  if (!path.startsWith('/v1/presets')) return shaped;
  const request = brief({ prompt: '{{var:who}}' });
  return { name: 'p', request, variables: { who: {} }, variants: 2, daily_limit_micro_dollars: 10_000 };
}

export function randomRequest(document: OpenApiDocument, known: Known, dice: Dice): FuzzRequest {
  const operations = operationsOf(document);
  const operation = dice.pick(operations);
  const lookup = (reference: string) =>
    (document.components.schemas as Record<string, Schema>)[reference.slice(reference.lastIndexOf('/') + 1)];
  const parameter = (schema: Schema) =>
    String(dice.random() < 0.8 ? randomValue(schema, dice, lookup) : anything(dice));
  let path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(pathValue(operation.path, name, known, dice)),
  );
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const { name, in: where, required, schema } of operation.parameters) {
    if (where === 'path' || !(required || dice.random() < 0.3)) continue;
    if (where === 'query') query.set(name, parameter(schema));
    // A header holds what HTTP allows and no more.
    else
      headers[name] = parameter(schema)
        .replaceAll(/[^\x20-\x7e]/g, '')
        .slice(0, 400);
  }
  if (dice.random() < 0.05) query.set('undocumented', '1');
  if (query.size > 0) path += `?${query}`;
  const [scheme] = operation.security.flatMap((each) => Object.keys(each));
  if (scheme !== undefined && dice.random() < 0.95) {
    headers.authorization = `Bearer ${dice.random() < 0.97 ? (scheme === 'admin' ? known.adminSecret : known.key) : 'sk_live_x'}`;
  }
  const method = dice.random() < 0.98 ? operation.method : dice.pick(['put', 'delete', 'get', 'options']);
  // Another method of the same path may be another operation.
  const asked = operations.find((other) => other.path === operation.path && other.method === method) ?? operation;
  const request = { operation: asked.id, method: method.toUpperCase(), path, headers };
  if (method === 'get' || (operation.body === undefined && dice.random() < 0.9)) return request;
  headers['content-type'] =
    dice.random() < 0.97 ? 'application/json' : dice.pick(['text/plain', 'application/json; charset=latin1']);
  return { ...request, body: bodyOf(operation, dice, lookup) };
}

function bodyOf({ body = {}, path }: Described, dice: Dice, lookup: (reference: string) => Schema): string {
  const shaped = randomValue(body, dice, lookup);
  // Half of the texts that could be made are made.
  const value = dice.random() < 0.5 ? likely(path, shaped) : shaped;
  const way = dice.random();
  const text = JSON.stringify(way < 0.6 ? value : way < 0.9 ? mutated(value, dice) : anything(dice)) ?? '';
  return dice.random() < 0.97 ? text : text.slice(0, dice.below(text.length + 1));
}

/** What ids begin with, by the part of a path before them. */
const PREFIXES = [
  ['/keys/', 'key_'],
  ['/accounts/', 'acc_'],
  ['/presets/', 'preset_'],
] as const;

function pathValue(path: string, name: string, { ids }: Known, dice: Dice): string {
  if (path.startsWith('/v1/models/')) return dice.pick(['maskwright-small', 'maskwrite-small', 'x', '%', '🦊']);
  if (name === 'month') return dice.pick(['2026-11', '1999-01', '2026-13', 'x']);
  const [, prefix] = PREFIXES.find(([part]) => path.includes(part)) ?? ['', 'gen_'];
  const known = ids.get(prefix) ?? [];
  if (known.length > 0 && dice.random() < 0.8) return dice.pick(known);
  return dice.pick([`${prefix}${'0'.repeat(24)}`, 'x', '%', '..', "'--", '🦊']);
}
