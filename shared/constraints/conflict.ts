/**
 * Why no text exists: a smallest set of constraints that cannot hold together (found by leaving out one at a time), and
 * what a bound in it would have to be.
 */
import type { Bounds, GenerationRequest, LengthSpec } from '../contract/generation.ts';
import { ProblemError } from '../contract/problem.ts';
import { type CompiledConstraint, compileConstraint } from './compile.ts';
import { type DecisionLimits, findText } from './find-text.ts';
import { describeRange } from './lengths.ts';
import { pointerToken } from './plan.ts';
import type { Budget } from './search.ts';
import { parseTemplate } from './template.ts';
import { measure, type TextUnit } from './units.ts';

export interface Conflict {
  /** JSON Pointers; without any one of them the rest can hold. */
  readonly conflict: string[];
  readonly achievable: string;
}

/** Explains why a compiled constraint has no text. */
export function explain(compiled: CompiledConstraint, limits: DecisionLimits, budget: Budget): Conflict {
  const { request } = compiled;
  const pointers = [...new Set(compiled.constraints.map(({ pointer }) => pointer))];
  const dropped = new Set<string>();
  const possible: Possible = (without, replace) => {
    const changed = rewrite(request, without, replace);
    try {
      const relaxed = compileConstraint(changed, { context: compiled.context });
      const tokens = without.size === 0 ? limits.tokens : relaxed.tokens.max;
      return findText(relaxed, { ...limits, tokens }, budget);
    } catch (error) {
      // What cannot be compiled or decided without a constraint is no reason to blame it less: it is kept in the conflict.
      if (error instanceof ProblemError) return 'unknown';
      throw error;
    }
  };
  // Constraints of a hole go first, the template last: what remains is said as closely as possible.
  // A value without its regex or choices becomes free text, which can be less: what was kept before is then tried again.
  for (let again = true; again; ) {
    again = false;
    for (const pointer of pointers.toSorted((a, b) => rank(b) - rank(a))) {
      if (dropped.has(pointer) || dropped.size === pointers.length - 1) continue;
      if (possible(new Set([...dropped, pointer])) !== undefined) continue;
      dropped.add(pointer);
      again ||= /(?:regex|choices|json_schema)$/.test(pointer);
    }
  }
  const conflict = pointers.filter((pointer) => !dropped.has(pointer));
  return { conflict, achievable: achievable(compiled, conflict, dropped, possible) };
}

function rank(pointer: string): number {
  if (pointer.startsWith('/exclude')) return 6;
  if (pointer.startsWith('/include')) return 5;
  if (pointer.startsWith('/facts')) return 4;
  if (pointer.startsWith('/length')) return 3;
  if (pointer.startsWith('/holes')) return 2;
  return pointer === '/template' ? 0 : 1;
}

/** A request without some of its constraints, or with other bounds at one place. */
export function rewrite(
  request: GenerationRequest,
  without: ReadonlySet<string>,
  replace?: { readonly pointer: string; readonly bounds: Bounds },
): GenerationRequest {
  const drop = (pointer: string) => without.has(pointer);
  const boundsAt = <T extends Bounds | undefined>(pointer: string, stated: T): Bounds | undefined =>
    replace?.pointer === pointer ? replace.bounds : drop(pointer) ? undefined : stated;
  const { template, holes, length, include, exclude, facts, regex, choices, json_schema, ...rest } = request;
  const hasTemplate = template !== undefined && !drop('/template');
  const used = new Set<string>();
  if (hasTemplate) {
    for (const part of parseTemplate(template)) if (part.kind === 'fact') used.add(part.name);
  }
  const keptFacts = Object.entries(facts ?? {}).flatMap(([name, value]): [string, string | number][] => {
    if (!drop(`/facts/${pointerToken(name)}`)) return [[name, value]];
    return used.has(name) ? [[name, '']] : [];
  });
  const lengths = length === undefined ? [] : 'unit' in length ? [length] : length;
  const keptLengths = lengths.flatMap((spec, i): LengthSpec[] => {
    const bounds = boundsAt(length !== undefined && 'unit' in length ? '/length' : `/length/${i}`, spec);
    return bounds === undefined ? [] : [{ ...bounds, unit: spec.unit }];
  });
  const keptHoles = Object.entries(holes ?? {}).map(([name, spec]) => {
    const at = `/holes/${name}`;
    const kept = {
      tokens: boundsAt(`${at}/tokens`, spec.tokens),
      characters: boundsAt(`${at}/characters`, spec.characters),
      words: boundsAt(`${at}/words`, spec.words),
      sentences: boundsAt(`${at}/sentences`, spec.sentences),
      regex: drop(`${at}/regex`) ? undefined : spec.regex,
      choices: drop(`${at}/choices`) ? undefined : spec.choices,
      exclude: spec.exclude?.filter((_, i) => !drop(`${at}/exclude/${i}`)),
    };
    return [name, kept] as const;
  });
  return {
    ...rest,
    ...(hasTemplate ? { template, holes: Object.fromEntries(keptHoles) } : {}),
    length: keptLengths,
    include: include?.filter((_, i) => !drop(`/include/${i}`)),
    exclude: exclude?.filter((_, i) => !drop(`/exclude/${i}`)),
    facts: Object.fromEntries(keptFacts),
    regex: drop('/regex') ? undefined : regex,
    choices: drop('/choices') ? undefined : choices,
    json_schema: drop('/json_schema') ? undefined : json_schema,
  };
}

type Possible = (
  without: ReadonlySet<string>,
  replace?: { pointer: string; bounds: Bounds },
) => { readonly text: string; readonly bytes: number } | undefined | 'unknown';

/** Most searches for the nearest bound that would do. */
const TRIES = 12;

/** What would be possible, in words: the nearest value of a bound in the conflict, else what is in conflict. */
function achievable(
  compiled: CompiledConstraint,
  conflict: readonly string[],
  dropped: ReadonlySet<string>,
  possible: Possible,
): string {
  const bounds = [
    ...compiled.plan.lengths,
    ...(compiled.plan.segments ?? []).flatMap((segment) => (segment.kind === 'hole' ? segment.bounds : [])),
  ];
  for (const { unit, range, pointer } of bounds) {
    if (!conflict.includes(pointer) || pointer === '/template' || range.min > range.max) continue;
    const without = new Set([...dropped, pointer]);
    const free = possible(without);
    if (free === undefined || free === 'unknown') continue;
    let unknown = false;
    const allows = (next: Bounds) => {
      const found = possible(dropped, { pointer, bounds: next });
      unknown ||= found === 'unknown';
      return found !== undefined && found !== 'unknown';
    };
    const where = pointer.startsWith('/holes/') ? ` in '${pointer.split('/')[2]}'` : '';
    const others = conflict.filter((other) => other !== pointer);
    const given = others.length > 0 ? ` with ${others.join(', ')}` : '';
    const stated = `${describeRange(range, unit)}${where} ${range.max === 1 ? 'is' : 'are'} asked for`;
    if (allows({ min: range.min })) {
      // The most is too little: the least that is enough lies above it.
      const start = unit === 'tokens' || where !== '' ? undefined : measure(free.text, unit as TextUnit);
      const least = nearest(range.max + 1, start ?? range.max + 64, (max) => allows({ min: range.min, max }));
      if (least !== undefined && !unknown) return `at least ${least} ${unit}${where} are needed${given}; ${stated}`;
    } else if (range.max === Number.POSITIVE_INFINITY || allows({ max: range.max })) {
      const most = nearest(-(range.min - 1), 0, (min) =>
        allows({ ...(range.max === Number.POSITIVE_INFINITY ? {} : { max: range.max }), min: -min }),
      );
      if (most !== undefined && !unknown) return `at most ${-most} ${unit}${where} are possible${given}; ${stated}`;
    }
  }
  return conflict.length === 1
    ? `nothing satisfies ${conflict[0]}`
    : `any of these, but not all: ${conflict.join(', ')}`;
}

/** The lowest value in low..high that holds, where all above one that holds hold too; undefined when not found. */
function nearest(low: number, high: number, holds: (value: number) => boolean): number | undefined {
  if (low > high || !holds(high)) return undefined;
  let [failing, holding] = [low - 1, high];
  for (let tries = 0; holding - failing > 1; tries++) {
    if (tries >= TRIES) return undefined;
    // Most conflicts miss by little: look near the stated bound first.
    const middle = tries === 0 && failing + 1 < holding ? holding - 1 : (failing + holding) >> 1;
    if (holds(middle)) holding = middle;
    else failing = middle;
  }
  return holding;
}
