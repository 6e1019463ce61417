/** The reference page: the document as one HTML file, without a script, so that it works offline and prints. */
import { articlePage, linkTo } from '../site/article.ts';
import { escaped } from '../site/html.ts';
import type { OpenApiDocument } from './document.ts';

type Node = Readonly<Record<string, unknown>>;

/** Escaped text in which `code` is code. */
const prose = (text: string) => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
const anchor = (schema: string) => `schema-${schema}`;

export function referencePage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Node })),
  );
  const groups = document.tags.map(({ name }) => ({
    name,
    members: operations.filter(({ operation }) => (operation.tags as string[])[0] === name),
  }));
  const schemas = Object.entries(document.components.schemas) as [string, Node][];
  return articlePage({
    place: 'reference',
    title: 'API reference · Maskwright',
    description: 'Every operation, parameter, body, answer and schema of the Maskwright API.',
    contents: [
      ...groups.map(({ name, members }) => ({ name, links: members.map(link) })),
      { name: 'Schemas', links: schemas.map(([name]) => ({ href: `#${anchor(name)}`, label: escaped(name) })) },
    ],
    body: `<h1>API reference</h1>
<p class="lead">Version ${escaped(document.info.version)}, also as <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1). Examples in curl and TypeScript: <a href="/docs/examples/">Examples</a>.</p>
${groups.map(({ name, members }) => `<h2>${escaped(name)}</h2>\n${members.map(section).join('\n')}`).join('\n')}
<h2>Schemas</h2>
${schemas.map(([name, schema]) => `<section id="${anchor(name)}"><h3>${escaped(name)} ${linkTo(anchor(name), name)}</h3>${described(schema)}</section>`).join('\n')}`,
  });
}

interface Entry {
  readonly path: string;
  readonly method: string;
  readonly operation: Node;
}

const title = ({ method, path }: Entry) => `<b>${method.toUpperCase()}</b> ${escaped(path)}`;
const link = (entry: Entry) => ({ href: `#${entry.operation.operationId}`, label: title(entry) });

/** What is needed by the schemes that have no scopes. */
const NEEDED: Readonly<Record<string, string>> = {
  admin: 'the secret of the deployment',
  session: 'a client session from its page',
};

function section(entry: Entry): string {
  const { operation } = entry;
  const security = operation.security as Record<string, string[]>[];
  const access = security.flatMap((scheme) =>
    Object.entries(scheme).map(([name, scopes]) => NEEDED[name] ?? `a key with the scope ${scopes.join(', ')}`),
  );
  const body = operation.requestBody as
    | { content: Record<string, { schema: Node; examples: Record<string, { value: unknown }> }> }
    | undefined;
  const json = body?.content['application/json'];
  return `<section id="${operation.operationId}">
<h3>${title(entry)} ${linkTo(String(operation.operationId), `${entry.method.toUpperCase()} ${entry.path}`)}</h3>
<p>${prose(String(operation.summary))}.${operation.description === undefined ? '' : ` ${prose(String(operation.description))}`}</p>
<p>Needs ${access.length === 0 ? 'no key' : access.join(' or ')}.</p>
${parameters((operation.parameters ?? []) as Node[])}
${json === undefined ? '' : `<h4>Body: ${typeOf(json.schema)}</h4>${Object.entries(json.examples).map(example).join('')}`}
<h4>Answers</h4>
${terms(Object.entries(operation.responses as Record<string, Node>).map(answer))}
</section>`;
}

const example = ([name, { value }]: [string, { value: unknown }]) =>
  `<figure><figcaption>${escaped(name)}</figcaption><pre tabindex="0">${escaped(JSON.stringify(value, null, 2))}</pre></figure>`;

function answer([status, response]: [string, Node]): Term {
  const content = Object.entries((response.content ?? {}) as Record<string, { schema: Node }>);
  return {
    term: status,
    meaning: prose(String(response.description)),
    types: content.map(([type, { schema }]) => `${escaped(type)}: ${typeOf(schema)}`),
  };
}

function parameters(all: readonly Node[]): string {
  if (all.length === 0) return '';
  const described = all.map(({ name, in: where, required, description, schema }) => ({
    term: escaped(String(name)),
    about: `${where}${required ? ', required' : ''}`,
    meaning: prose(String(description)),
    types: [typeOf(schema as Node)],
  }));
  return `<h4>Parameters</h4>${terms(described)}`;
}

function described(schema: Node): string {
  const properties = schema.properties as Record<string, Node> | undefined;
  const about = schema.description === undefined ? '' : `<p>${prose(String(schema.description))}</p>`;
  if (properties === undefined) return `${about}<div>${typeOf(schema)}</div>`;
  const required = (schema.required ?? []) as string[];
  const fields = Object.entries(properties).map(([name, inner]) => ({
    term: escaped(name),
    about: required.includes(name) ? 'always' : 'optional',
    meaning: prose(String(inner.description ?? '')),
    types: [typeOf(inner)],
  }));
  return `${about}${terms(fields)}`;
}

/** What is explained; all parts are HTML. */
interface Term {
  readonly term: string;
  readonly about?: string;
  readonly meaning: string;
  readonly types: readonly string[];
}

/** Not a table: four columns are too many for a phone. */
function terms(all: readonly Term[]): string {
  const rows = all.map(({ term, about, meaning, types }) => {
    const dd = `${meaning === '' ? '' : `<div>${meaning}</div>`}${types.map((type) => `<div class="hint">${type}</div>`).join('')}`;
    return `<div><dt><code>${term}</code>${about === undefined ? '' : ` <span class="faint">${about}</span>`}</dt><dd>${dd}</dd></div>`;
  });
  return `<dl class="terms">\n${rows.join('\n')}\n</dl>`;
}

const BOUNDS: readonly (readonly [string, string])[] = [
  ['minimum', 'at least'],
  ['exclusiveMinimum', 'more than'],
  ['maximum', 'at most'],
  ['exclusiveMaximum', 'less than'],
  ['minLength', 'characters from'],
  ['maxLength', 'characters to'],
  ['minItems', 'items from'],
  ['maxItems', 'items to'],
  ['pattern', 'matches'],
];

/** A schema in a line. */
function typeOf(schema: Node | boolean): string {
  if (typeof schema === 'boolean') return 'anything';
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    return `<a href="#${anchor(name)}">${escaped(name)}</a>`;
  }
  for (const join of ['oneOf', 'anyOf']) {
    if (Array.isArray(schema[join])) return (schema[join] as Node[]).map(typeOf).join(' or ');
  }
  if (Array.isArray(schema.allOf)) return typeOf(schema.allOf[0] as Node);
  if (Array.isArray(schema.enum))
    return schema.enum.map((value) => `<code>${escaped(JSON.stringify(value))}</code>`).join(', ');
  if ('const' in schema) return `<code>${escaped(JSON.stringify(schema.const))}</code>`;
  const bounds = BOUNDS.filter(([key]) => schema[key] !== undefined).map(
    ([key, words]) => `${words} <code>${escaped(String(schema[key]))}</code>`,
  );
  const tail = bounds.length === 0 ? '' : ` (${bounds.join(', ')})`;
  if (schema.type === 'array') return `list of ${typeOf((schema.items ?? true) as Node)}${tail}`;
  if (schema.type !== 'object') return `${escaped([schema.type ?? 'anything'].flat().join(' or '))}${tail}`;
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Node>);
  if (properties.length === 0) return `object of ${typeOf((schema.additionalProperties ?? true) as Node)}`;
  const members = properties.map(([name, inner]) => `<li><code>${escaped(name)}</code>: ${typeOf(inner)}</li>`);
  return `<details><summary>object</summary><ul>${members.join('')}</ul></details>`;
}
