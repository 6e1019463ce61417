/**
 * Everything a text must satisfy, as one lazily explored graph: which hole, the state of its automaton, of the whole
 * text's automaton, and of each phrase still to appear. Literals are single arcs. Counters stay on the arcs.
 *
 * Symbols are classes of characters wherever the parts were made from characters, else classes of bytes.
 */
import { type Arc, both, type Counter, type Guard, type Update } from './automaton.ts';
import { classAt } from './code-points.ts';
import type { CompiledConstraint } from './compile.ts';
import { follow } from './follow.ts';
import { trackPhrases } from './phrase-track.ts';
import { byteLength, bytePartition, joint, type Part, type Symbols } from './symbols.ts';
import { byteCounter, leastAtEnd, type TokenSizes } from './token-sizes.ts';
import { type TextMachine, textMachineOf } from './utf8.ts';

/** A way from one node to another: what it writes, and what it asks of and does to the counters. */
export interface SceneArc {
  readonly to: number;
  readonly text: readonly number[];
  /** Fewest bytes. */
  readonly bytes: number;
  readonly guards: readonly Guard[];
  readonly updates: readonly Update[];
}

export interface Scene {
  /** Counters of the whole text, then room for those of the hole the text stands in (see `holeCounters`). */
  readonly wholeCounters: readonly Counter[];
  readonly slots: number;
  /** Limits of each slot while in a node. */
  counters(node: number): readonly Counter[];
  /** The hole (by number among the holes) a node stands in, -1 at the end of the text. */
  holeOf(node: number): number;
  /** Arcs from a node, made when first asked for. */
  arcs(node: number): readonly SceneArc[];
  /** Ways in: the literal before the first hole. */
  readonly start: number;
  /** The text is finished here and accepted. */
  readonly end: number;
  nodes(): number;
  /** Increments that the holes' own counters still ask for: of the hole a node stands in, and of all holes behind it. */
  owed(node: number, values: ArrayLike<number>): number;
  /** Characters the phrases of a node still lack, each on its own: a guide, not a bound. */
  lacking(node: number): number;
  /** True: symbols are bytes, not characters. */
  readonly inBytes: boolean;
  /** Phrases still to be found at the start. */
  readonly phrases: number;
}

/** More than the different effects of arcs there can be: keys of arcs stay whole numbers. */
const EFFECT_LIMIT = 2 ** 24;

const encoder = new TextEncoder();

/** Lays out the graph of a compiled constraint. */
export function makeScene(compiled: CompiledConstraint, sizes: TokenSizes): Scene {
  const holes = compiled.segments.filter((segment) => segment.kind === 'hole');
  const automata = [compiled.whole, ...holes.map((hole) => hole.automaton)];
  const texts = automata.map((automaton) => textMachineOf(automaton));
  const inBytes = texts.some((text) => text === undefined);
  const partOf = (i: number): Part => {
    const text = texts[i];
    if (inBytes || text === undefined) return { machine: automata[i], partition: bytePartition(automata[i].byteClass) };
    return { machine: text, partition: text.partition };
  };
  const whole = partOf(0);
  const parts = holes.map((_, h) => partOf(h + 1));
  const phrases: Part[] = inBytes
    ? compiled.phraseAutomata().map((machine) => ({ machine, partition: bytePartition(machine.byteClass) }))
    : compiled.phraseMachines().map((machine: TextMachine) => ({ machine, partition: machine.partition }));
  const symbols: Symbols[] = [];
  // literals[h] stands before hole h, the last one behind all.
  const literals: number[][] = [[]];
  for (const segment of compiled.segments) {
    if (segment.kind === 'hole') literals.push([]);
    else {
      const units = inBytes ? encoder.encode(segment.text) : [...segment.text].map((c) => c.codePointAt(0) as number);
      for (const unit of units) (literals.at(-1) as number[]).push(unit);
    }
  }
  // The tokens of the whole text have no most here: the search keeps to its budget of bytes.
  const wholeBytes = byteCounter('bytes', { ...compiled.tokens, max: Number.POSITIVE_INFINITY }, sizes);
  const wholeBytesAt = whole.machine.counters.length;
  const wholeCounters = [...whole.machine.counters, ...(wholeBytes === undefined ? [] : [wholeBytes])];
  const shift = wholeCounters.length;
  const holeBytes = holes.map((hole) => byteCounter(`${hole.name} bytes`, hole.tokens, sizes));
  const counterLists = parts.map((part, h) => {
    const bytes = holeBytes[h];
    return [...wholeCounters, ...part.machine.counters, ...(bytes === undefined ? [] : [bytes])];
  });

  const track = trackPhrases(phrases);
  interface Node {
    readonly hole: number;
    readonly state: number;
    readonly whole: number;
    readonly tuple: number;
  }
  const nodes: Node[] = [];
  const nodeIds = new Map<number | string, number>();
  const stateLimit = Math.max(...parts.map((part) => part.machine.states), 1);
  const wholeLimit = whole.machine.states;
  const packs = (parts.length + 2) * stateLimit * wholeLimit < 2 ** 33;
  const nodeId = (hole: number, state: number, wholeState: number, tuple: number): number => {
    const key =
      packs && tuple < 2 ** 20
        ? (((hole + 2) * stateLimit + state) * wholeLimit + wholeState) * 2 ** 20 + tuple
        : `${hole},${state},${wholeState},${tuple}`;
    let id = nodeIds.get(key);
    if (id === undefined) {
      id = nodes.length;
      nodeIds.set(key, id);
      nodes.push({ hole, state, whole: wholeState, tuple });
    }
    return id;
  };
  const start = nodeId(-1, 0, whole.machine.start, track.start);
  const end = nodeId(-2, 0, 0, 0);

  /** The ways through a literal from a state of the whole automaton. */
  const literalWays = (index: number, from: number): (Pick<SceneArc, 'guards' | 'updates'> & { state: number })[] => {
    let ways = [{ state: from, guards: [] as readonly Guard[], updates: [] as readonly Update[] }];
    for (const unit of literals[index]) {
      const next: typeof ways = [];
      const c = classAt(whole.partition, unit);
      for (const way of ways) {
        for (const arc of whole.machine.arcs(way.state, c)) {
          const joined = follow(wholeCounters, way, arc);
          if (joined !== undefined) next.push({ state: arc.to, ...joined });
        }
      }
      ways = next;
      if (ways.length === 0) break;
    }
    return ways;
  };
  const wayCache = new Map<number, ReturnType<typeof literalWays>>();
  const cachedWays = (index: number, from: number) => {
    const key = index * whole.machine.states + from;
    let ways = wayCache.get(key);
    if (ways === undefined) {
      ways = literalWays(index, from);
      wayCache.set(key, ways);
    }
    return ways;
  };
  const literalBytes = literals.map((units) =>
    inBytes ? units.length : units.reduce((sum, unit) => sum + byteLength(unit), 0),
  );
  /** Arcs that write literal `index` behind what has been written, and enter the next hole or end the text. */
  const leave = (index: number, node: Node, guards: readonly Guard[], reset: readonly Update[]): SceneArc[] => {
    const out: SceneArc[] = [];
    const tuple = track.afterText(index, literals[index], node.tuple);
    const base = { text: literals[index], bytes: literalBytes[index] };
    for (const way of cachedWays(index, node.whole)) {
      const together = both(guards, way.guards);
      if (together === undefined) continue;
      const counted: Update[] = [];
      if (wholeBytes !== undefined && base.bytes > 0) {
        counted.push({ counter: wholeBytesAt, operation: 'add', value: base.bytes });
      }
      const first = { guards: together, updates: [...reset, ...way.updates, ...counted] };
      if (index < parts.length) {
        const to = nodeId(index, parts[index].machine.start, way.state, tuple);
        out.push({ ...base, ...first, to });
        continue;
      }
      if (!track.found(tuple)) continue;
      for (const last of whole.machine.accepting(way.state)) {
        const enough: Guard[] =
          wholeBytes === undefined ? [] : [{ counter: wholeBytesAt, min: wholeBytes.min, max: wholeBytes.max }];
        const joined = follow(wholeCounters, first, { guards: [...last, ...enough], updates: [] });
        if (joined !== undefined) out.push({ ...base, ...joined, to: end });
      }
    }
    return out;
  };
  const shifted = <T extends { readonly counter: number }>(list: readonly T[]): T[] =>
    list.map((item) => ({ ...item, counter: item.counter + shift }));
  interface Effect {
    readonly id: number;
    readonly guards: readonly Guard[];
    readonly updates: readonly Update[];
  }
  const effects = new Map<string, Effect>();
  const effectCache = new Map<Arc, Map<Arc, Effect>>();
  /** What a pair of arcs of hole and whole text asks and does, the counters of bytes included. */
  const effectOf = (hole: number, a: Arc, b: Arc, bytes: number): Effect => {
    const counted = wholeBytes !== undefined || holeBytes[hole] !== undefined;
    let known = effectCache.get(a);
    if (known === undefined) {
      known = new Map();
      effectCache.set(a, known);
    }
    let effect = counted ? undefined : known.get(b);
    if (effect !== undefined) return effect;
    const guards = [...b.guards, ...shifted(a.guards)];
    const updates = [...b.updates, ...shifted(a.updates)];
    if (wholeBytes !== undefined) updates.push({ counter: wholeBytesAt, operation: 'add', value: bytes });
    const inHole = holeBytes[hole];
    if (inHole !== undefined) {
      const counter = shift + parts[hole].machine.counters.length;
      if (!inHole.saturates) guards.push({ counter, min: 0, max: inHole.max - bytes });
      updates.push({ counter, operation: 'add', value: bytes });
    }
    const key = `${labelOf(guards)}|${labelOf(updates)}`;
    effect = effects.get(key);
    if (effect === undefined) {
      effect = { id: effects.size, guards, updates };
      effects.set(key, effect);
    }
    if (!counted) known.set(b, effect);
    return effect;
  };
  const make = (id: number): SceneArc[] => {
    const node = nodes[id];
    if (node.hole === -2) return [];
    if (node.hole === -1) return leave(0, node, [], []);
    const { machine } = parts[node.hole];
    symbols[node.hole] ??= joint(parts[node.hole], whole, phrases, inBytes);
    const table = symbols[node.hole];
    const out: SceneArc[] = [];
    const inHole = holeBytes[node.hole];
    const inHoleAt = shift + machine.counters.length;
    const reset: Update[] = counterLists[node.hole]
      .slice(shift)
      .map((_, i) => ({ counter: shift + i, operation: 'set', value: 0 }));
    for (const guards of machine.accepting(node.state)) {
      const enough = inHole === undefined ? [] : [{ counter: inHoleAt, min: inHole.min, max: inHole.max }];
      out.push(...leave(node.hole + 1, node, [...shifted(guards), ...enough], reset));
    }
    const seen = new Set<number>();
    for (let symbol = 0; symbol < table.count; symbol++) {
      const left = machine.arcs(node.state, table.hole[symbol]);
      if (left.length === 0) continue;
      const right = whole.machine.arcs(node.whole, table.whole[symbol]);
      if (right.length === 0) continue;
      const tuple = track.after(node.hole, table, symbol, node.tuple);
      const bytes = table.bytes[symbol];
      for (const a of left) {
        for (const b of right) {
          const to = nodeId(node.hole, a.to, b.to, tuple);
          const effect = effectOf(node.hole, a, b, bytes);
          const key = (to * 8 + bytes) * EFFECT_LIMIT + effect.id;
          if (seen.has(key)) continue;
          seen.add(key);
          out.push({ to, text: table.texts[symbol], bytes, guards: effect.guards, updates: effect.updates });
        }
      }
    }
    return out;
  };
  const made: (readonly SceneArc[])[] = [];
  const leastOfHole = parts.map(({ machine }) => leastAtEnd(machine));
  const owedBehind = leastOfHole.map((_, h) =>
    leastOfHole.slice(h + 1).reduce((sum, least) => sum + Math.max(0, ...least), 0),
  );
  return {
    owed(node, values) {
      const { hole } = nodes[node];
      if (hole < 0) return hole === -1 && parts.length > 0 ? Math.max(0, ...leastOfHole[0]) + owedBehind[0] : 0;
      let here = 0;
      leastOfHole[hole].forEach((least, counter) => {
        here = Math.max(here, least - values[shift + counter]);
      });
      return here + owedBehind[hole];
    },
    wholeCounters,
    slots: Math.max(shift, ...counterLists.map((list) => list.length)),
    counters: (node) => (nodes[node].hole < 0 ? wholeCounters : counterLists[nodes[node].hole]),
    holeOf: (node) => nodes[node].hole,
    arcs(node) {
      made[node] ??= make(node);
      return made[node];
    },
    start,
    end,
    nodes: () => nodes.length,
    lacking: (node) => track.lacking(nodes[node].tuple),
    inBytes,
    phrases: phrases.length,
  };
}

function labelOf(list: readonly (Guard | Update)[]): string {
  let key = '';
  for (const item of list) {
    key +=
      'operation' in item
        ? `${item.counter}${item.operation}${item.value};`
        : `${item.counter}:${item.min}-${item.max};`;
  }
  return key;
}
