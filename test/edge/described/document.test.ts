/**
 * The document against the routes, field by field: every route is in it and nothing else is; every field of every body is one that the
 * route knows, and refuses with its pointer where its value is wrong; every refusal that a route can come to is one it states.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../edge/index.ts';
import document from '../../../edge/public/openapi.json' with { type: 'json' };
import { PROBLEMS } from '../../../shared/contract/problem.ts';
import { makePreset } from '../presets/presets.ts';
import { ADMIN_SECRET, edge } from '../upstream.ts';

type Schema = {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
};

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly statuses: readonly string[];
  readonly codes: readonly string[];
  readonly admin: boolean;
  readonly keyed: boolean;
  readonly body?: Schema;
}

const schemas = document.components.schemas as unknown as Readonly<Record<string, Schema>>;

const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods as unknown as Record<string, never>).map(([method, operation]) => {
    const { security, requestBody, responses } = operation as {
      security: Record<string, string[]>[];
      requestBody?: { content: Record<string, { schema: { $ref: string } }> };
      responses: Record<string, { description: string }>;
    };
    const schemes = security.flatMap((scheme) => Object.keys(scheme));
    const name = requestBody?.content['application/json'].schema.$ref.split('/').at(-1);
    const refusals = Object.entries(responses).filter(([status]) => Number(status) >= 400);
    return {
      method: method.toUpperCase(),
      path,
      statuses: Object.keys(responses),
      codes: refusals.flatMap(([, { description }]) => [...description.matchAll(/`(\w+)`/g)].map(([, code]) => code)),
      admin: schemes.includes('admin'),
      keyed: schemes.includes('key'),
      body: name === undefined ? undefined : schemas[name],
    };
  }),
);
const named = operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);
const withBody = named.filter(([, { body }]) => body !== undefined);

let running: Awaited<ReturnType<typeof edge>>;
/** A real value for each path, as far as there is one. */
let ids: Readonly<Record<string, string>>;
beforeAll(async () => {
  running = await edge();
  const { data } = (await (await running.fetch('/v1/keys')).json()) as { data: { id: string }[] };
  ids = {
    keys: data[0].id,
    accounts: running.account.id,
    statements: '2026-11',
    models: 'small',
    generations: `gen_${'0'.repeat(24)}`,
    presets: (await makePreset(running)).id,
  };
});

const pathOf = ({ path }: Operation) => path.replace(/(\w+)\/\{\w+\}/, (_, group: string) => `${group}/${ids[group]}`);

/** Sends a body as the operation wants it sent. */
function send(operation: Operation, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: operation.method, body, headers: { 'content-type': 'application/json', ...headers } };
  if (!operation.admin) return running.fetch(pathOf(operation), init);
  return running.send(pathOf(operation), {
    ...init,
    headers: { authorization: `Bearer ${ADMIN_SECRET}`, ...init.headers },
  });
}

/** The problem of a refusal, which has to be one that the operation states. */
async function refusal(
  operation: Operation,
  response: Response,
): Promise<{ code: string; pointer?: string; detail: string }> {
  const body = (await response.json()) as { code: keyof typeof PROBLEMS; pointer?: string; detail: string };
  expect(operation.codes, body.detail).toContain(body.code);
  expect(operation.statuses).toContain(String(response.status));
  expect(response.status).toBe(PROBLEMS[body.code].status);
  return body;
}

describe('the document', () => {
  it('has every route, and no other', () => {
    const routes = createApp()
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...new Set(routes)].sort());
  });

  it('has every problem there is, each with a route that it can come from', () => {
    const stated = new Set(operations.flatMap(({ codes }) => codes));
    // A way that is nowhere, and what only the service says to the edge.
    const apart = ['not_found', 'duplicate_id', 'payment_required', 'payment_invalid'];
    expect(Object.keys(PROBLEMS).filter((code) => !stated.has(code) && !apart.includes(code))).toEqual([]);
  });

  it.each(named.filter(([, { keyed }]) => keyed))(
    'says of %s what it says without a key, and with one that is no key',
    async (_, operation) => {
      const init = { method: operation.method };
      expect((await refusal(operation, await running.send(pathOf(operation), init))).code).toMatch(
        /missing_key|payment_required/,
      );
      const wrong = { ...init, headers: { authorization: 'Bearer sk_live_x' } };
      expect(await refusal(operation, await running.send(pathOf(operation), wrong))).toMatchObject({
        code: 'invalid_key',
      });
    },
  );

  it.each(named)('says of %s which methods its path has', async (_, operation) => {
    const response = await running.send(pathOf(operation), { method: 'SEARCH' });
    expect(await refusal(operation, response)).toMatchObject({ code: 'method_not_allowed' });
    expect(response.headers.get('allow')?.split(', ')).toContain(operation.method);
  });

  it.each(withBody)('says of %s what becomes of a body that is none', async (_, operation) => {
    expect(await refusal(operation, await send(operation, '{'))).toMatchObject({ code: 'malformed_json' });
    expect(await refusal(operation, await send(operation, '[]'))).toMatchObject({ code: 'invalid_request' });
    const text = await send(operation, '{}', { 'content-type': 'text/plain' });
    expect(await refusal(operation, text)).toMatchObject({ code: 'unsupported_media_type' });
    expect(await refusal(operation, await send(operation, ' '.repeat(300_000)))).toMatchObject({
      code: 'body_too_large',
    });
    const unknown = await send(operation, '{"no_such_field":1}');
    expect(await refusal(operation, unknown)).toMatchObject({ code: 'unknown_field', pointer: '/no_such_field' });
  });

  it.each(withBody)('has the fields of %s that the route has', async (_, operation) => {
    const fields = Object.keys(operation.body?.properties ?? {});
    expect(fields.length).toBeGreaterThan(0);
    for (const field of fields) {
      // A value of a kind that no field has, or where any would do, one that breaks a rule of the whole.
      const { code, pointer, detail } = await refusal(
        operation,
        await send(operation, JSON.stringify({ [field]: [[[]]] })),
      );
      // What is not known is inside of it, then, not the field itself.
      if (code === 'unknown_field') expect(pointer, detail).not.toBe(`/${field}`);
    }
  });

  it.each(withBody)('names the fields of %s that are missing', async (_, operation) => {
    const [missing] = operation.body?.required ?? [];
    if (missing === undefined) return;
    expect(await refusal(operation, await send(operation, '{}'))).toMatchObject({
      code: 'invalid_request',
      pointer: `/${missing}`,
    });
  });
});
