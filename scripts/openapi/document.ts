/** The OpenAPI 3.1 document of the public API, from the schemas the routes validate with and the catalogue of problems. */
import { toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema';
import {
  boundsSchema,
  cacheSchema,
  diffusionSchema,
  holeSchema,
  lengthSchema,
  phraseSchema,
  styleSchema,
} from '../../shared/contract/generation.ts';
import { PROBLEMS, type ProblemCode } from '../../shared/contract/problem.ts';
import { type Access, type JsonSchema, type Operation, problemsOf } from './operation.ts';

export interface DocumentParts {
  readonly operations: readonly Operation[];
  /** Named schemas of answers and events. */
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  /** What the fields of bodies mean: by 'Body/field' and 'Body/field/inner'. */
  readonly notes: Readonly<Record<string, string>>;
  readonly version: string;
}

/** @throws Error where a body cannot be written as JSON Schema */
export function openApiDocument({ operations, schemas, notes, version }: DocumentParts) {
  const paths: Record<string, Record<string, unknown>> = {};
  const bodies: Record<string, JsonSchema> = {};
  for (const operation of operations) {
    if (operation.body !== undefined) bodies[operation.body.name] ??= bodySchema(operation.body, notes);
    paths[operation.path] ??= {};
    paths[operation.path][operation.method] = operationObject(operation);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Maskwright',
      version,
      summary: 'Constrained text generation on diffusion language models.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(operations.map(({ group }) => group))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key: sk_live_..., sk_test_..., pk_live_...' },
        session: { type: 'http', scheme: 'bearer', description: 'A client session, from its page: cs_...' },
        admin: { type: 'http', scheme: 'bearer', description: 'The secret of the deployment, ADMIN_SECRET.' },
      },
      schemas: { ...bodies, ...partSchemas(), ...schemas },
    },
  };
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

/** Parts that several bodies have in common, each written once. */
const PARTS = {
  Bounds: boundsSchema,
  Cache: cacheSchema,
  Diffusion: diffusionSchema,
  Hole: holeSchema,
  Length: lengthSchema,
  Phrase: phraseSchema,
  Style: styleSchema,
};

/** The schema of a body; the parts it refers to are under their own names. */
function bodySchema({ name, schema }: NonNullable<Operation['body']>, notes: DocumentParts['notes']): JsonSchema {
  const converted = toJsonSchema(schema, { target: 'draft-2020-12', definitions: PARTS });
  const {
    $schema: _dialect,
    $defs: _parts,
    ...own
  } = JSON.parse(JSON.stringify(converted).replaceAll('#/$defs/', COMPONENTS));
  return annotate(own, name, notes);
}

function partSchemas(): Record<string, JsonSchema> {
  return JSON.parse(
    JSON.stringify(toJsonSchemaDefs(PARTS, { target: 'draft-2020-12' })).replaceAll('#/$defs/', COMPONENTS),
  );
}

/** A schema whose properties say what they mean. */
function annotate(schema: Record<string, unknown>, at: string, notes: DocumentParts['notes']): Record<string, unknown> {
  const note = notes[at];
  const properties = schema.properties as Record<string, Record<string, unknown>> | undefined;
  return {
    ...schema,
    ...(note === undefined ? {} : { description: note }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, inner]) => [name, annotate(inner, `${at}/${name}`, notes)]),
          ),
        }),
  };
}

function operationObject(operation: Operation) {
  const { id, group, summary, description, access, parameters = [], body } = operation;
  return {
    operationId: id,
    tags: [group],
    summary,
    ...(description === undefined ? {} : { description }),
    security: securityOf(access),
    ...(parameters.length === 0
      ? {}
      : { parameters: parameters.map((parameter) => ({ required: parameter.in === 'path', ...parameter })) }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: reference(body.name),
                examples: Object.fromEntries(Object.entries(body.examples).map(([name, value]) => [name, { value }])),
              },
            },
          },
        }),
    responses: responses(operation),
  };
}

function securityOf(access: Access): readonly Record<string, readonly string[]>[] {
  if (typeof access === 'object') return [{ key: [access.scope] }, ...(access.session ? [{ session: [] }] : [])];
  return access === 'admin' ? [{ admin: [] }] : [];
}

const COMPONENTS = '#/components/schemas/';

export const reference = (name: string): JsonSchema => ({ $ref: COMPONENTS + name });

const REQUEST_ID = {
  'x-request-id': { description: 'To be named when asking for help.', schema: { type: 'string' } },
};

function responses(operation: Operation) {
  const codes = new Map<number, ProblemCode[]>();
  for (const code of problemsOf(operation)) {
    const { status } = PROBLEMS[code];
    codes.set(status, [...(codes.get(status) ?? []), code]);
  }
  const answers = Object.entries(operation.answers).map(([status, { description, content = {} }]) => [
    status,
    {
      description,
      headers: REQUEST_ID,
      ...(Object.keys(content).length === 0
        ? {}
        : { content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }])) }),
    },
  ]);
  const problems = [...codes].map(([status, names]) => [
    String(status),
    {
      description: names.map((name) => `\`${name}\``).join(', '),
      headers: REQUEST_ID,
      content: {
        'application/problem+json': {
          schema: { allOf: [reference('Problem'), { properties: { code: { enum: names } } }] },
        },
      },
    },
  ]);
  return Object.fromEntries([...answers, ...problems].sort(([a], [b]) => Number(a) - Number(b)));
}
