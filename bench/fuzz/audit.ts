/** Whether an answer is one that the document describes: its status, its content type, its body, every event of its stream. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { OpenApiDocument } from '../../scripts/openapi/document.ts';

export interface Answered {
  readonly operation: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

const EVENTS: Readonly<Record<string, string>> = {
  accepted: 'AcceptedEvent',
  step: 'StepEvent',
  text: 'TextEvent',
  done: 'DoneEvent',
  problem: 'ProblemEvent',
};

/** Undefined where all is as described, else what is not. */
export type Audit = (answered: Answered) => string | undefined;

export function createAudit(document: OpenApiDocument): Audit {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  // Its types say it is a module's namespace; it is the function.
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema({ $id: 'api', components: document.components });
  const compiled = new Map<string, ValidateFunction>();
  const check = (schema: object, value: unknown): string | undefined => {
    const text = JSON.stringify(schema).replaceAll('"#/components', '"api#/components');
    let validate = compiled.get(text);
    if (validate === undefined) {
      validate = ajv.compile(JSON.parse(text) as object);
      compiled.set(text, validate);
    }
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  };
  const operations = new Map(
    Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((operation) => {
        const { operationId, responses } = operation as { operationId: string; responses: Record<string, Response> };
        return [operationId, responses] as const;
      }),
    ),
  );

  return function audit({ operation, status, contentType, body }) {
    const response = operations.get(operation)?.[status];
    if (response === undefined) return `status ${status} is not described: ${body.slice(0, 200)}`;
    // An answer without a body is of no type.
    if (response.content === undefined && contentType === '' && body === '') return undefined;
    const type = contentType.split(';')[0];
    const schema = response.content?.[type]?.schema;
    if (schema === undefined) return `content type ${JSON.stringify(contentType)} of status ${status} is not described`;
    if (type === 'text/event-stream') return events(body);
    if (!type.endsWith('json')) return undefined;
    try {
      return check(schema, JSON.parse(body));
    } catch {
      return `the body of status ${status} is not JSON: ${body.slice(0, 200)}`;
    }
  };

  function events(body: string): string | undefined {
    const blocks = body.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
    for (const block of blocks) {
      const name = /^event: (\w+)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1] ?? '';
      // Compatible streams have chunks without names.
      if (name === undefined) {
        if (data !== '[DONE]' && !data.startsWith('{')) return `a chunk is not JSON: ${data.slice(0, 200)}`;
        continue;
      }
      if (!Object.hasOwn(EVENTS, name)) return `the event ${name} is not described`;
      const wrong = check({ $ref: `#/components/schemas/${EVENTS[name]}` }, JSON.parse(data));
      if (wrong !== undefined) return `an event ${name}: ${wrong}`;
    }
    return undefined;
  }
}
