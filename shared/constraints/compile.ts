/**
 * A request -> what the engine needs: literals and holes with their automata, the automaton of the whole text,
 * the phrases that must appear, and bounds on tokens.
 */
import type { GenerationRequest } from '../contract/generation.ts';
import { problem } from '../contract/problem.ts';
import { type ByteAutomaton, intersect } from './automaton.ts';
import { choicesMachine } from './choices.ts';
import { freeText } from './free-text.ts';
import { compileJsonSchema } from './json-schema.ts';
import { minimise } from './minimise.ts';
import { excludeMachine, type IncludePhrase, includeMachine } from './phrases.ts';
import { type HolePlan, literalsHold, type Measures, type Plan, readPlan, type StatedConstraint } from './plan.ts';
import { regexMachine } from './regex.ts';
import { tokenBounds } from './token-bounds.ts';
import { type Range, unitMachine } from './units.ts';
import { ANY_BYTES, intersectText, joinClasses, overCodePoints, type TextMachine, toBytes } from './utf8.ts';

export type { IncludePhrase } from './phrases.ts';
export type { StatedConstraint } from './plan.ts';

export interface LiteralSegment {
  readonly kind: 'literal';
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface HoleSegment {
  readonly kind: 'hole';
  /** '' for the one hole of a request without template. */
  readonly name: string;
  /** Exactly the values of the hole. For the hole '' any bytes: there `whole` says it all. */
  readonly automaton: ByteAutomaton;
  readonly tokens: Range;
}

export type Segment = LiteralSegment | HoleSegment;

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

function lengthMachine({ text }: Measures, scope: string): TextMachine[] {
  const machine = unitMachine(text, scope);
  return machine.counters.length === 0 ? [] : [machine];
}

function holeAutomaton(hole: HolePlan): ByteAutomaton {
  const parts: TextMachine[] = [];
  if (hole.choices !== undefined) parts.push(choicesMachine(hole.choices, `${hole.pointer}/choices`));
  if (hole.regex !== undefined) parts.push(regexMachine(hole.regex, `${hole.pointer}/regex`));
  if (hole.free !== undefined) parts.push(freeText(hole.free));
  parts.push(...lengthMachine(hole.measures, `${hole.name} `));
  return toBytes(combine(parts) as TextMachine);
}

const encoder = new TextEncoder();

/**
 * Compiles the constraints of a request. `limits.context`: most tokens a text can have.
 * Throws invalid_template, invalid_request, limit_exceeded, unsupported_constraint, each with its JSON Pointer.
 */
export function compileConstraint(request: GenerationRequest, limits: { context: number }): CompiledConstraint {
  const plan = readPlan(request);
  const parts: TextMachine[] = [];
  if (plan.choices !== undefined) parts.push(choicesMachine(plan.choices, '/choices'));
  if (plan.regex !== undefined) parts.push(regexMachine(plan.regex, '/regex'));
  if (plan.free !== undefined) parts.push(freeText(plan.free));
  if (plan.exclude.length > 0) parts.push(excludeMachine(plan.exclude));
  parts.push(...lengthMachine(plan.measures, ''));
  const text = combine(parts);
  const json = plan.jsonSchema === undefined ? undefined : compileJsonSchema(plan.jsonSchema, '/json_schema');
  const bytes = text === undefined ? undefined : toBytes(text);
  const whole = json === undefined ? (bytes ?? ANY_BYTES) : bytes === undefined ? json : intersect(json, bytes);
  const segments: Segment[] =
    plan.segments === undefined
      ? [{ kind: 'hole', name: '', automaton: ANY_BYTES, tokens: { min: 0, max: Number.POSITIVE_INFINITY } }]
      : plan.segments.map((segment) =>
          segment.kind === 'literal'
            ? { kind: 'literal', text: segment.text, bytes: encoder.encode(segment.text) }
            : {
                kind: 'hole',
                name: segment.name,
                automaton: holeAutomaton(segment),
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
        const all = combine([...(text === undefined ? [] : [text]), ...phraseMachines()]);
        const product = all === undefined ? ANY_BYTES : toBytes(all);
        joined = json === undefined ? product : intersect(json, product);
      }
      return joined;
    },
  };
}
