/**
 * A JSON Schema document: where each subschema stands, and what a `$ref` inside of it means.
 *
 * Only references within the document are followed. A subschema with its own `$id` is another document to the standard;
 * it is refused rather than resolved against the wrong base.
 */
import { problem } from '../../contract/problem.ts';

/** A schema and where it stands: `pointer` is a JSON Pointer into the request. */
export interface Place {
  readonly schema: unknown;
  readonly pointer: string;
}

export interface Document {
  readonly root: Place;
  /** The subschema a `$ref` names; `pointer` is that of the keyword. */
  resolve(reference: string, pointer: string): Place;
}

/** One step of a JSON Pointer. */
export function step(pointer: string, name: string | number): string {
  return `${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Opens a schema for reading; `pointer` is where the request holds it. */
export function openDocument(schema: unknown, pointer: string): Document {
  const root: Place = { schema, pointer };
  let anchors: Map<string, Place> | undefined;
  const resolve = (reference: string, at: string): Place => {
    const refuse = (why: string) =>
      problem('unsupported_constraint', `The $ref at ${at} (${JSON.stringify(shorten(reference))}) ${why}.`, {
        pointer: at,
      });
    const base = isRecord(schema) && typeof schema.$id === 'string' ? schema.$id : undefined;
    const hash = reference.indexOf('#');
    const address = hash < 0 ? reference : reference.slice(0, hash);
    if (address !== '' && address !== base?.replace(/#$/, '')) throw refuse('leads out of this schema');
    let fragment: string;
    try {
      fragment = decodeURIComponent(hash < 0 ? '' : reference.slice(hash + 1));
    } catch {
      throw refuse('cannot be read');
    }
    if (fragment === '') return root;
    if (!fragment.startsWith('/')) {
      anchors ??= anchorsOf(root);
      const anchored = anchors.get(fragment);
      if (anchored === undefined) throw refuse('names no $anchor of this schema');
      return anchored;
    }
    let place = root;
    for (const part of fragment.slice(1).split('/')) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const { schema: holder } = place;
      const inside = isRecord(holder) && Object.hasOwn(holder, name) ? holder[name] : elementOf(holder, name);
      if (inside === undefined) throw refuse('points to nothing');
      place = { schema: inside, pointer: step(place.pointer, name) };
      if (isRecord(inside) && typeof inside.$id === 'string') throw refuse('leads into a schema with its own $id');
    }
    if (!isRecord(place.schema) && typeof place.schema !== 'boolean') throw refuse('points to no schema');
    return place;
  };
  return { root, resolve };
}

function elementOf(holder: unknown, name: string): unknown {
  return Array.isArray(holder) && /^(?:0|[1-9]\d*)$/.test(name) ? holder[Number(name)] : undefined;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Keywords whose values are data, not schemas. */
const DATA = new Set(['enum', 'const', 'default', 'examples']);

/** Anchors by name. A schema with its own $id keeps its anchors to itself; a name given twice names nothing. */
function anchorsOf(root: Place): Map<string, Place> {
  const found = new Map<string, Place>();
  const twice = new Set<string>();
  const pending: { place: Place; schema: boolean }[] = [{ place: root, schema: true }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { schema, pointer } = next.place;
    if (Array.isArray(schema)) {
      schema.forEach((item, i) => {
        pending.push({ place: { schema: item, pointer: step(pointer, i) }, schema: true });
      });
      continue;
    }
    if (!isRecord(schema)) continue;
    if (next.schema && next.place !== root && typeof schema.$id === 'string') continue;
    if (next.schema && typeof schema.$anchor === 'string') {
      if (found.has(schema.$anchor)) twice.add(schema.$anchor);
      found.set(schema.$anchor, next.place);
    }
    for (const [name, value] of Object.entries(schema)) {
      if (next.schema && DATA.has(name)) continue;
      pending.push({ place: { schema: value, pointer: step(pointer, name) }, schema: !next.schema || !MAPS.has(name) });
    }
  }
  for (const name of twice) found.delete(name);
  return found;
}

/** Keywords whose values are records of schemas. */
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
