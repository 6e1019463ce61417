/**
 * Is an instance in the part of a schema's instances that is generated? Decided on schema and instance alone, roughly and
 * independently of the compiler: it says why an instance is left out, so that a refusal without a reason stands out.
 *
 * Left out by definition (see shared/constraints/json-schema.ts): undeclared properties, properties in another order, and
 * values nested deeper than the limits.
 */

type Schema = boolean | Record<string, unknown>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Does a value satisfy a schema of the document? */
export type Holds = (schema: Schema, value: unknown) => boolean;

/**
 * The schemas that apply to a value in place, in the order their properties are declared in, once for each choice of
 * options; without `holds` all options are taken together.
 */
function inPlace(root: Schema, schemas: readonly Schema[], value: unknown, holds: Holds | undefined): Applied[] {
  let ways: Applied[] = [[]];
  const visit = (schema: unknown): void => {
    if (!isObject(schema) || ways.every((way) => way.includes(schema))) return;
    ways = ways.map((way) => [...way, schema]);
    if (typeof schema.$ref === 'string') visit(lookUp(root, schema.$ref));
    if (Array.isArray(schema.allOf)) schema.allOf.forEach(visit);
    for (const options of [schema.anyOf, schema.oneOf]) {
      if (!Array.isArray(options)) continue;
      if (holds === undefined) {
        options.forEach(visit);
        continue;
      }
      const before = ways;
      ways = options
        .filter((option) => holds(option, value))
        .flatMap((option) => {
          ways = before;
          visit(option);
          return ways;
        });
    }
    if (isObject(schema.dependentSchemas)) Object.values(schema.dependentSchemas).forEach(visit);
  };
  schemas.forEach(visit);
  return ways;
}

type Applied = Record<string, unknown>[];

function lookUp(root: Schema, reference: string): unknown {
  const fragment = decodeURIComponent(reference.slice(reference.indexOf('#') + 1));
  if (!reference.includes('#') || fragment === '') return root;
  if (!fragment.startsWith('/')) return findAnchor(root, fragment);
  let at: unknown = root;
  for (const part of fragment.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    at = Array.isArray(at) ? at[Number(name)] : isObject(at) ? at[name] : undefined;
  }
  return at;
}

function findAnchor(schema: unknown, name: string): unknown {
  if (!isObject(schema)) return undefined;
  if (schema.$anchor === name) return schema;
  for (const inside of Object.values(schema)) {
    const found = findAnchor(inside, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Why an instance is not generated; undefined when it should be. */
export function leftOut(root: Schema, instance: unknown, holds?: Holds): string | undefined {
  return check({ root, holds }, [root], instance, new Map());
}

interface Whole {
  readonly root: Schema;
  readonly holds: Holds | undefined;
}

type Around = ReadonlyMap<unknown, number>;

function check(whole: Whole, schemas: readonly Schema[], value: unknown, around: Around): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const reasons = inPlace(whole.root, schemas, value, whole.holds).map((applied) =>
    checkApplied(whole, applied, value, around),
  );
  return reasons.includes(undefined) ? undefined : reasons[0];
}

function checkApplied(whole: Whole, applied: Applied, value: object, around: Around): string | undefined {
  for (const schema of applied) {
    if (!('const' in schema) && !('enum' in schema)) continue;
    const options = 'const' in schema ? [schema.const] : (schema.enum as unknown[]);
    const texts = options.map((option) => JSON.stringify(option));
    return texts.includes(JSON.stringify(value)) ? undefined : 'another order of keys than in const or enum';
  }
  const levels = new Map(around);
  for (const schema of applied.length === 0 ? [undefined] : applied) levels.set(schema, (levels.get(schema) ?? 0) + 1);
  for (const [schema, count] of levels) {
    if (count > (schema === undefined ? 1 : 4)) return 'nested too deeply';
  }
  if (Array.isArray(value)) {
    const asked = applied.filter((schema) => 'contains' in schema && schema.minContains !== 0);
    const sought = asked.map((schema) => schema.contains as Schema);
    // So many items are written as contains describes them, the others as items does.
    let spare = asked.length === 0 ? 0 : Number(asked[0].minContains ?? 1);
    for (const [i, item] of value.entries()) {
      const own = applied.flatMap((schema) => {
        const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
        return i < prefix.length ? [prefix[i] as Schema] : 'items' in schema ? [schema.items as Schema] : [];
      });
      const why = check(whole, own.filter(speaks), item, levels);
      if (why === undefined) continue;
      const found = spare > 0 && sought.every((schema) => whole.holds?.(schema, item) ?? true);
      if (!found || check(whole, [...own, ...sought].filter(speaks), item, levels) !== undefined) return why;
      spare--;
    }
    return undefined;
  }
  const declared = new Set([
    ...applied.flatMap((schema) => (isObject(schema.properties) ? Object.keys(schema.properties) : [])),
    ...applied.flatMap((schema) => [
      ...(Array.isArray(schema.required) ? (schema.required as string[]) : []),
      ...Object.entries(isObject(schema.dependentRequired) ? schema.dependentRequired : {}).flatMap(
        ([name, others]) => [...(others as string[]), name],
      ),
      ...(isObject(schema.dependentSchemas) ? Object.keys(schema.dependentSchemas) : []),
    ]),
  ]);
  const order = [...declared];
  let last = -1;
  for (const [name, item] of Object.entries(value)) {
    const at = order.indexOf(name);
    if (at < 0) return 'an undeclared property';
    if (at < last) return 'properties in another order';
    last = at;
    const inside = applied.flatMap((schema) => {
      const own: Schema[] = [];
      if (isObject(schema.properties) && Object.hasOwn(schema.properties, name)) {
        own.push(schema.properties[name] as Schema);
      }
      for (const [pattern, inner] of Object.entries(
        isObject(schema.patternProperties) ? schema.patternProperties : {},
      )) {
        if (new RegExp(pattern, 'u').test(name)) own.push(inner as Schema);
      }
      if (own.length === 0 && 'additionalProperties' in schema) own.push(schema.additionalProperties as Schema);
      return own;
    });
    const why = check(whole, inside.filter(speaks), item, levels);
    if (why !== undefined) return why;
  }
  return undefined;
}

function speaks(schema: Schema): boolean {
  return schema !== true && !(isObject(schema) && Object.keys(schema).length === 0);
}
