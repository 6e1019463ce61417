/**
 * Can no value fit both of two alternatives? Only what can be shown counts: "no" may mean "not known".
 */
import { intersectText } from '../utf8.ts';
import type { Alternative, StringSet } from './alternative.ts';
import { type Context, spend } from './context.ts';
import type { Place } from './document.ts';
import { equal, holdsHere } from './holds.ts';
import { matches, stringMachine } from './string-machine.ts';

/** Levels of properties looked into for a difference. */
const DEPTH = 3;

/** The alternatives of a value that several schemas must accept. */
type Expand = (context: Context, places: readonly Place[]) => readonly Alternative[];

/** True when two alternatives have no value in common. */
export function provablyDisjoint(
  context: Context,
  a: Alternative,
  b: Alternative,
  expand: Expand,
  depth = DEPTH,
): boolean {
  const valuesDisjoint = (left: readonly Place[], right: readonly Place[]): boolean => {
    if (depth === 0) return false;
    const others = expand(context, right);
    return expand(context, left).every((x) => others.every((y) => provablyDisjoint(context, x, y, expand, depth - 1)));
  };
  spend(context, 1);
  if (a.kind === 'constant' && b.kind === 'constant') return !equal(a.value, b.value);
  if (a.kind === 'constant') return !fits(context, a.value, b);
  if (b.kind === 'constant') return !fits(context, b.value, a);
  if (a.kind === 'number' && b.kind === 'number') {
    return (
      a.high < b.low ||
      b.high < a.low ||
      (a.high === b.low && (a.highOpen || b.lowOpen)) ||
      (b.high === a.low && (b.highOpen || a.lowOpen))
    );
  }
  if (a.kind === 'string' && b.kind === 'string') return stringsDisjoint(context, a, b);
  if (a.kind === 'array' && b.kind === 'array') {
    if (a.max < b.min || b.max < a.min) return true;
    const shared = Math.min(a.min, b.min, Math.max(a.prefix, b.prefix) + 1);
    for (let i = 0; i < shared; i++) {
      if (valuesDisjoint(a.item(i), b.item(i))) return true;
    }
    return false;
  }
  if (a.kind === 'object' && b.kind === 'object') {
    const others = new Map(b.keys.map((key) => [key.name, key]));
    return (
      a.keys.some((key) => {
        const other = others.get(key.name);
        if (other === undefined) return key.required && forbids(context, b, key.name);
        if (!key.required || !other.required) return false;
        return valuesDisjoint(key.places, other.places);
      }) || b.keys.some((key) => key.required && forbids(context, a, key.name))
    );
  }
  return a.kind !== b.kind;
}

function fits(context: Context, value: unknown, alternative: Alternative): boolean {
  const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return kind === alternative.kind && alternative.facts.every((fact) => holdsHere(context, fact, value));
}

/** True when an object may not have a property, whatever its value. */
function forbids(context: Context, { facts }: Alternative, name: string): boolean {
  return facts.some(({ properties, patternProperties, additionalProperties }) => {
    const own = properties?.get(name);
    if (own !== undefined) return own.schema === false;
    for (const [pattern, place] of patternProperties ?? []) {
      if (matches(context, pattern, place.pointer, name)) return place.schema === false;
    }
    return additionalProperties?.schema === false;
  });
}

function stringsDisjoint(context: Context, a: StringSet, b: StringSet): boolean {
  if (a.maxLength < b.minLength || b.maxLength < a.minLength) return true;
  const [x, y] = [stringMachine(context, a), stringMachine(context, b)];
  if (x === undefined || y === undefined) return false;
  spend(context, x.states + y.states);
  const { states, accepting } = intersectText(x, y);
  for (let state = 0; state < states; state++) if (accepting(state).length > 0) return false;
  return true;
}
