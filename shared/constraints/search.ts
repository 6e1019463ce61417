/**
 * Finds a shortest text of a scene within a budget of bytes, or shows that there is none: A* over configurations (a node
 * and its counter values).
 *
 * Bounds come from the scene without its counters: the fewest characters to the end from each node, and for each lower
 * bound a price, so many characters for each further word. They never exceed the truth, so nothing is cut that could
 * succeed; where the whole scene is too large to look at beforehand, the search is only guided.
 */

import { problem } from '../contract/problem.ts';
import { open, update } from './automaton.ts';
import type { Scene, SceneArc } from './scene.ts';

export interface Budget {
  /** Configurations that may still be looked at, over all searches of one decision. */
  left: number;
}

export type Found = { readonly text: string; readonly bytes: number } | undefined;

/** Most nodes and arcs of a scene that is looked at whole before the search. */
const NODE_LIMIT = 5_000;
const ARC_LIMIT = 30_000;
/** Phrases from which on the scene is too large anyway: it doubles with each. */
const PHRASES_TOO_MANY = 5;
/** Characters that one more word or sentence may cost, tried in turn. */
const PRICES = [1, 2, 3, 4, 6, 8, 16];

/** Weight of what phrases still lack where the search is only guided: it hurries to find a text, not the shortest. */
const HASTE = 4;
/** Times a node's distance may improve before its weights are taken to have a negative cycle. */
const ROUNDS = 24;

/** Counters with a least value at the end, and what each increment still missing costs at least. */
interface Need {
  readonly parts: readonly { readonly counter: number; readonly least: number; readonly price: number }[];
  /** Least of characters - sum of price x increments, from each node to the end. */
  readonly potential: Float64Array;
}

/** A counter with a most: the increments still to come must fit. */
interface Room {
  readonly counter: number;
  readonly most: number;
  /** Fewest increments from each node to the end. */
  readonly coming: Float64Array;
  /** True: it counts characters, so whatever bounds the characters to come bounds it. */
  readonly perCharacter: boolean;
}

interface Bounds {
  /** Fewest characters from a node to the end, Infinity where there is no way. */
  readonly distance: Float64Array;
  readonly needs: readonly Need[];
  readonly rooms: readonly Room[];
}

/**
 * Searches a scene. `hasty`: for any text instead of a shortest one, by weighing what holes still owe above what it must
 * cost; whether there is one is answered as exactly. Throws limit_exceeded when the budget is spent first: no guess is made.
 */
export function search(scene: Scene, maxBytes: number, budget: Budget, hasty = false): Found {
  const bounds = survey(scene, budget);
  if (bounds !== undefined && bounds.distance[scene.start] === Number.POSITIVE_INFINITY) return undefined;
  return explore(scene, bounds, maxBytes, budget, hasty);
}

/** The arcs of a whole scene as columns, sorted by where they lead. */
interface Columns {
  readonly from: Int32Array;
  readonly characters: Int32Array;
  /** Arcs into node n: rows first[n]..first[n + 1] - 1. */
  readonly first: Int32Array;
  readonly arcs: readonly SceneArc[];
}

function columnsOf(scene: Scene): Columns | undefined {
  if (scene.phrases >= PHRASES_TOO_MANY) return undefined;
  let count = 0;
  for (let node = 0; node < scene.nodes(); node++) {
    if (scene.nodes() > NODE_LIMIT || count > ARC_LIMIT) return undefined;
    count += scene.arcs(node).length;
  }
  const nodes = scene.nodes();
  const first = new Int32Array(nodes + 1);
  for (let node = 0; node < nodes; node++) for (const arc of scene.arcs(node)) first[arc.to + 1]++;
  for (let node = 0; node < nodes; node++) first[node + 1] += first[node];
  const next = first.slice();
  const from = new Int32Array(count);
  const characters = new Int32Array(count);
  const arcs: SceneArc[] = new Array(count);
  for (let node = 0; node < nodes; node++) {
    for (const arc of scene.arcs(node)) {
      const row = next[arc.to]++;
      from[row] = node;
      characters[row] = arc.text.length;
      arcs[row] = arc;
    }
  }
  return { from, characters, first, arcs };
}

/** Least sums of weights from each node to the end; undefined where a cycle has a negative sum (or settles too slowly). */
function shortest({ from, first }: Columns, end: number, weights: ArrayLike<number>): Float64Array | undefined {
  const count = first.length - 1;
  const distance = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  distance[end] = 0;
  const queue = [end];
  const queued = new Uint8Array(count);
  const rounds = new Uint8Array(count);
  for (let i = 0; i < queue.length; i++) {
    const node = queue[i];
    queued[node] = 0;
    for (let row = first[node]; row < first[node + 1]; row++) {
      const next = distance[node] + weights[row];
      const at = from[row];
      if (next >= distance[at]) continue;
      distance[at] = next;
      if (queued[at] === 1) continue;
      if (++rounds[at] > ROUNDS) return undefined;
      queued[at] = 1;
      queue.push(at);
    }
  }
  return distance;
}

function gains(columns: Columns, counter: number): Float64Array | undefined {
  const gained = new Float64Array(columns.arcs.length);
  for (let row = 0; row < gained.length; row++) {
    for (const update of columns.arcs[row].updates) {
      if (update.counter !== counter) continue;
      // Only a counter that nothing sets back is a length; the others are rounds of a repetition.
      if (update.operation === 'set') return undefined;
      gained[row] += update.value;
    }
  }
  return gained;
}

/** Looks at the scene whole; undefined when it is too large. */
function survey(scene: Scene, budget: Budget): Bounds | undefined {
  const columns = columnsOf(scene);
  if (columns === undefined) return undefined;
  const { characters, first, arcs } = columns;
  budget.left -= arcs.length >> 4;
  const distance = shortest(columns, scene.end, characters);
  if (distance === undefined) return undefined;
  const needs: Need[] = [];
  const rooms: Room[] = [];
  if (distance[scene.start] === Number.POSITIVE_INFINITY) return { distance, needs, rooms };
  const missing: { counter: number; least: number; gained: Float64Array; perCharacter: boolean }[] = [];
  scene.wholeCounters.forEach((limits, counter) => {
    const gained = gains(columns, counter);
    if (gained === undefined) return;
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (let row = first[scene.end]; row < first[scene.end + 1]; row++) {
      const guard = arcs[row].guards.find((g) => g.counter === counter);
      least = Math.min(least, (guard?.min ?? 0) + gained[row]);
      most = Math.max(most, (guard?.max ?? limits.max) + gained[row]);
    }
    const perCharacter = gained.every((value, row) => value === characters[row]);
    if (least > 0 && least !== Number.POSITIVE_INFINITY) missing.push({ counter, least, gained, perCharacter });
    if (!limits.saturates) {
      const coming = perCharacter ? distance : shortest(columns, scene.end, gained);
      if (coming !== undefined) rooms.push({ counter, most, coming, perCharacter });
    }
  });
  for (const { counter, least, perCharacter } of missing) {
    if (perCharacter)
      needs.push({ parts: [{ counter, least, price: 1 }], potential: new Float64Array(distance.length) });
  }
  // Prices of the others: each as high as it can be by itself, then all together, as far as one path must pay for both.
  const others = missing.filter(({ perCharacter }) => !perCharacter);
  for (const lead of others) {
    let weights = Float64Array.from(characters);
    let potential: Float64Array | undefined;
    const parts: Need['parts'][number][] = [];
    for (const { counter, least, gained } of [lead, ...others.filter((other) => other !== lead)]) {
      let price = 0;
      for (const next of PRICES) {
        const dearer = weights.map((weight, row) => weight - (next - price) * gained[row]);
        const found = shortest(columns, scene.end, dearer);
        if (found === undefined) break;
        weights = dearer;
        potential = found;
        price = next;
      }
      if (price > 0) parts.push({ counter, least, price });
    }
    if (potential !== undefined) needs.push({ parts, potential });
  }
  return { distance, needs, rooms };
}

interface Configuration {
  readonly node: number;
  readonly values: Int32Array;
  readonly characters: number;
  readonly bytes: number;
  readonly from: Configuration | undefined;
  readonly arc: SceneArc | undefined;
}

function explore(scene: Scene, bounds: Bounds | undefined, maxBytes: number, budget: Budget, hasty: boolean): Found {
  /** Fewest characters still to come; Infinity: this cannot be finished. */
  const remaining = (node: number, values: Int32Array): number => {
    if (node === scene.end) return 0;
    if (bounds === undefined) return HASTE * scene.lacking(node);
    let least = bounds.distance[node];
    for (const { parts, potential } of bounds.needs) {
      let cost = potential[node];
      for (const part of parts) cost += part.price * Math.max(0, part.least - values[part.counter]);
      if (cost > least) least = Math.ceil(cost);
    }
    for (const { counter, most, coming, perCharacter } of bounds.rooms) {
      if (values[counter] + (perCharacter ? least : coming[node]) > most) return Number.POSITIVE_INFINITY;
    }
    return least;
  };
  const best = new Map<string, number>();
  // Buckets by characters so far and to come; within one, the latest first: a text is followed through before another.
  const buckets: Configuration[][] = [];
  let lowest = 0;
  const push = (configuration: Configuration) => {
    const { node, values, characters, bytes } = configuration;
    const to = remaining(node, values);
    if (bytes + (bounds === undefined ? 0 : to) > maxBytes) return;
    const key = `${node}|${values.join()}`;
    const known = best.get(key);
    if (known !== undefined && known <= bytes) return;
    best.set(key, bytes);
    const total = characters + to + (hasty ? HASTE * (scene.owed(node, values) + scene.lacking(node)) : 0);
    buckets[total] ??= [];
    buckets[total].push(configuration);
    if (total < lowest) lowest = total;
  };
  const values = new Int32Array(scene.slots);
  push({ node: scene.start, values, characters: 0, bytes: 0, from: undefined, arc: undefined });
  for (;;) {
    while (lowest < buckets.length && (buckets[lowest] === undefined || buckets[lowest].length === 0)) lowest++;
    if (lowest >= buckets.length) return undefined;
    const current = buckets[lowest].pop() as Configuration;
    if (current.node === scene.end) return { text: read(current, scene.inBytes), bytes: current.bytes };
    const counters = scene.counters(current.node);
    const arcs = scene.arcs(current.node);
    for (let i = arcs.length - 1; i >= 0; i--) {
      const arc = arcs[i];
      budget.left--;
      if (!open(arc.guards, current.values)) continue;
      let next = current.values;
      if (arc.updates.length > 0) {
        next = current.values.slice();
        update(counters, arc.updates, next);
      }
      const { node, characters, bytes } = {
        node: arc.to,
        characters: current.characters + arc.text.length,
        bytes: current.bytes + arc.bytes,
      };
      push({ node, values: next, characters, bytes, from: current, arc });
    }
    if (budget.left < 0) {
      throw problem(
        'limit_exceeded',
        'The constraints together take too much work to decide; state fewer or simpler ones.',
        {
          pointer: '',
        },
      );
    }
  }
}

function read(last: Configuration, inBytes: boolean): string {
  const pieces: (readonly number[])[] = [];
  for (let at: Configuration | undefined = last; at !== undefined; at = at.from) if (at.arc) pieces.push(at.arc.text);
  const units = pieces.reverse().flat();
  if (inBytes) return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(units));
  return units.map((unit) => String.fromCodePoint(unit)).join('');
}
