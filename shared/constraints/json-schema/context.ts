/**
 * What one compilation shares: the document, its work budget and what was found out already.
 */
import { problem } from '../../contract/problem.ts';
import type { Work } from '../closure.ts';
import { WORK_LIMIT } from '../determinise.ts';
import type { TextMachine } from '../utf8.ts';
import type { Alternative } from './alternative.ts';
import { type Document, isRecord, openDocument, type Place } from './document.ts';
import type { Keywords } from './keywords.ts';

/** What one compilation shares. */
export interface Context {
  readonly document: Document;
  /** Work left, in schemas looked at and automaton parts made. */
  readonly work: { left: number };
  readonly alternatives: Map<string, readonly Alternative[]>;
  readonly choices: Map<Keywords, readonly Choice[]>;
  readonly keywords: Map<object, Keywords>;
  readonly ids: Map<object, number>;
  /** Machines by pattern, and by all patterns and formats of a string. */
  readonly patterns: Map<string, TextMachine>;
  /** Work left for compiling patterns. */
  readonly patternWork: Work;
  readonly strings: Map<string, TextMachine>;
}

/** Lists of schemas of which one must hold, all of it. */
export type Choice = readonly (readonly Place[])[];

/** Opens a schema; `work` bounds what may be done with it. */
export function openContext(schema: unknown, pointer: string, work: number): Context {
  return {
    document: openDocument(schema, pointer),
    work: { left: work },
    alternatives: new Map(),
    choices: new Map(),
    keywords: new Map(),
    ids: new Map(),
    patterns: new Map(),
    patternWork: { left: WORK_LIMIT },
    strings: new Map(),
  };
}

/** Most alternatives of one position. */
export const ALTERNATIVE_LIMIT = 256;

/** Spends work. Throws limit_exceeded when none is left. */
export function spend(context: Context, work: number): void {
  context.work.left -= work;
  if (context.work.left >= 0) return;
  const { pointer } = context.document.root;
  throw problem(
    'limit_exceeded',
    `The schema at ${pointer} takes too much work to compile: fewer properties, smaller enums or less nesting are needed.`,
    { pointer },
  );
}

/** The same schemas give the same key, wherever they apply together. */
export function keyOf(context: Context, places: readonly Place[]): string {
  const ids = new Set<number>();
  for (const { schema } of places) {
    if (schema === true) continue;
    if (!isRecord(schema)) return 'never';
    ids.add(idOf(context, schema));
  }
  return [...ids].join();
}

/** A number for an object, the same each time. */
export function idOf(context: Context, value: object): number {
  let id = context.ids.get(value);
  if (id === undefined) {
    id = context.ids.size;
    context.ids.set(value, id);
  }
  return id;
}
