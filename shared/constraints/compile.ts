/**
 * A request -> what the engine needs: literals and holes with their automata, the automaton of the whole text,
 * the phrases that must appear, and bounds on tokens.
 */
import type { GenerationRequest } from '../contract/generation.ts';
import { problem } from '../contract/problem.ts';
import { type ByteAutomaton, intersect } from './automaton.ts';
import { choicesMachine } from './choices.ts';
import { WORK_LIMIT } from './determinise.ts';
import { freeText } from './free-text.ts';
import { compileJsonSchema } from './json-schema.ts';
import { createMemo } from './memo.ts';
import { minimise } from './minimise.ts';
import { excludeMachine, type IncludePhrase, includeMachine } from './phrases.ts';
import { type HolePlan, literalsHold, type Measures, type Plan, readPlan, type StatedConstraint } from './plan.ts';
import { regexMachine } from './regex.ts';
import type { Segment } from './segment.ts';
import { tokenBounds } from './token-bounds.ts';
import { type Range, TEXT_UNITS, unitMachine } from './units.ts';
import {
  ANY_BYTES,
  intersectText,
  joinClasses,
  overCodePoints,
  type TextMachine,
  textMachineOf,
  toBytes,
} from './utf8.ts';

export type { IncludePhrase } from './phrases.ts';
export type { StatedConstraint } from './plan.ts';

export interface CompiledConstraint {
  readonly segments: readonly Segment[];
  /** Runs over the entire text, literals too. Accepts any bytes where nothing is stated of the whole text. */
  readonly whole: ByteAutomaton;
  /** Phrases that must appear and that the literals do not hold already. */
  readonly phrases: readonly IncludePhrase[];
  /** Bounds on the tokens of the whole text. */
  readonly tokens: Range;
  readonly constraints: readonly StatedConstraint[];
  readonly request: GenerationRequest;
  readonly plan: Plan;
  /** Most tokens a text can have, as given. */
  readonly context: number;
  /** The machine of each phrase, over characters. */
  readonly phraseMachines: () => readonly TextMachine[];
  /** The automaton of each phrase: the texts it appears in. */
  readonly phraseAutomata: () => readonly ByteAutomaton[];
  /** `whole` and all phrases. Throws limit_exceeded for more than PHRASE_LIMIT phrases. */
  withIncludes(): ByteAutomaton;
}

/** Most phrases that are still to be placed (literals hold the others already). */
export const PHRASE_LIMIT = 8;

function combine(machines: readonly TextMachine[]): TextMachine | undefined {
  if (machines.length === 0) return undefined;
  const all = machines.reduce(intersectText);
  return joinClasses(machines.length === 1 ? all : overCodePoints(minimise(all), all.partition));
}

function lengthMachine({ text }: Measures): TextMachine[] {
  const machine = unitMachine(text);
  return machine.counters.length === 0 ? [] : [machine];
}

const HEAVY_STATES = 2_000;
const heavy = (automaton: ByteAutomaton | undefined) => (automaton?.states ?? 0) > HEAVY_STATES;
const holeMemo = createMemo<ByteAutomaton>(heavy);
const wholeMemo = createMemo<ByteAutomaton>(heavy);
const schemaMemo = createMemo<ByteAutomaton>(heavy);

/** What the regexes in holes of one request may still cost together. */
interface RegexBudget {
  left: number;
  /** Automata paid for already: a regex that stands in several holes costs once. */
  readonly paid: Set<ByteAutomaton>;
}
/** Cost of one state over bytes, in units of the work of determinising: both then take about as long. */
const WORK_PER_STATE = 8;
/** What all of a request's regexes in holes may cost. */
const HOLES_WORK = 40_000;
/** Work that went into an automaton. A remembered one costs the same again, so that a verdict never depends on the memo. */
const workOf = new WeakMap<ByteAutomaton, number>();

function pay(budget: RegexBudget, automaton: ByteAutomaton, pointer: string): void {
  const work = workOf.get(automaton);
  if (work === undefined || budget.paid.has(automaton)) return;
  budget.paid.add(automaton);
  budget.left -= work + WORK_PER_STATE * automaton.states;
  if (budget.left >= 0) return;
  const detail = `The regexes up to ${pointer} together take too much work to compile; make them fewer or simpler.`;
  throw problem('limit_exceeded', detail, { pointer });
}

function holeAutomaton(hole: HolePlan, budget: RegexBudget): ByteAutomaton {
  const { choices, regex, free, exclude, measures } = hole;
  const key = [choices, regex, free, exclude.map(keyOf), textMeasures(measures)];
  const automaton = holeMemo.get(JSON.stringify(key), () => {
    const parts: TextMachine[] = [];
    const work = { left: WORK_LIMIT };
    if (choices !== undefined) parts.push(choicesMachine(choices, `${hole.pointer}/choices`));
    if (regex !== undefined) parts.push(regexMachine(regex, `${hole.pointer}/regex`, { work }));
    if (free !== undefined) parts.push(freeText(free));
    if (exclude.length > 0) parts.push(excludeMachine(exclude, `${hole.pointer}/exclude`));
    parts.push(...lengthMachine(measures));
    const made = toBytes(combine(parts) as TextMachine);
    if (regex !== undefined) workOf.set(made, WORK_LIMIT - work.left);
    return made;
  });
  pay(budget, automaton, `${hole.pointer}/regex`);
  return automaton;
}

/** Both at once, over characters where both were made from them: such a product is far smaller than one over bytes. */
function together(a: ByteAutomaton, b: ByteAutomaton): ByteAutomaton {
  const [left, right] = [textMachineOf(a), textMachineOf(b)];
  if (left === undefined || right === undefined) return intersect(a, b);
  return toBytes(joinClasses(intersectText(left, right)));
}

/** The automaton of what is stated of the whole text, the JSON Schema aside. */
function wholeAutomaton(plan: Plan): ByteAutomaton {
  const { choices, regex, free, exclude, measures } = plan;
  return wholeMemo.get(JSON.stringify([choices, regex, free, exclude.map(keyOf), textMeasures(measures)]), () => {
    const parts: TextMachine[] = [];
    if (choices !== undefined) parts.push(choicesMachine(choices, '/choices'));
    if (regex !== undefined) parts.push(regexMachine(regex, '/regex'));
    if (free !== undefined) parts.push(freeText(free));
    if (exclude.length > 0) parts.push(excludeMachine(exclude));
    parts.push(...lengthMachine(measures));
    const text = combine(parts);
    return text === undefined ? ANY_BYTES : toBytes(text);
  });
}

/** What makes a phrase another one, wherever it is stated. */
const keyOf = ({ text, caseSensitive, wholeWord }: IncludePhrase) => [text, caseSensitive, wholeWord];

/** The text measures as JSON tells them apart (Infinity is null there, as nothing else is). */
function textMeasures({ text }: Measures) {
  return TEXT_UNITS.map((unit) => text[unit] ?? 0);
}

const encoder = new TextEncoder();

/**
 * Compiles the constraints of a request. `limits.context`: most tokens a text can have.
 * Throws invalid_template, invalid_request, limit_exceeded, unsupported_constraint, each with its JSON Pointer.
 */
export function compileConstraint(request: GenerationRequest, limits: { context: number }): CompiledConstraint {
  const plan = readPlan(request);
  const text = wholeAutomaton(plan);
  const schema = plan.jsonSchema;
  const json =
    schema === undefined
      ? undefined
      : schemaMemo.get(JSON.stringify(schema), () => compileJsonSchema(schema, '/json_schema'));
  const whole = json === undefined ? text : text === ANY_BYTES ? json : together(json, text);
  const budget: RegexBudget = { left: HOLES_WORK, paid: new Set() };
  const segments: Segment[] =
    plan.segments === undefined
      ? [{ kind: 'hole', name: '', automaton: ANY_BYTES, tokens: { min: 0, max: Number.POSITIVE_INFINITY } }]
      : plan.segments.map((segment) =>
          segment.kind === 'literal'
            ? { kind: 'literal', text: segment.text, bytes: encoder.encode(segment.text) }
            : {
                kind: 'hole',
                name: segment.name,
                automaton: holeAutomaton(segment, budget),
                tokens: segment.measures.tokens,
              },
        );
  const phrases = plan.include.filter((phrase) => !literalsHold(plan, phrase));
  if (phrases.length > PHRASE_LIMIT) {
    throw problem(
      'limit_exceeded',
      `${phrases.length} phrases are to be placed freely; at most ${PHRASE_LIMIT} can be. Write others into the template.`,
      { pointer: phrases[PHRASE_LIMIT].pointer },
    );
  }
  let machines: readonly TextMachine[] | undefined;
  const phraseMachines = () => {
    machines ??= phrases.map(includeMachine);
    return machines;
  };
  let joined: ByteAutomaton | undefined;
  return {
    segments,
    whole,
    phrases,
    tokens: tokenBounds(plan, segments, whole, phrases, limits.context),
    constraints: plan.stated,
    request,
    plan,
    context: limits.context,
    phraseMachines,
    phraseAutomata: () => phraseMachines().map(toBytes),
    withIncludes() {
      if (joined === undefined) {
        const machine = textMachineOf(text);
        const all = combine([...(machine === undefined || text === ANY_BYTES ? [] : [machine]), ...phraseMachines()]);
        const product = all === undefined ? ANY_BYTES : toBytes(all);
        joined = json === undefined ? product : together(json, product);
      }
      return joined;
    },
  };
}
