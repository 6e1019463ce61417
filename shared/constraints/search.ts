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
const NODE_LIMIT = 20_000;
const ARC_LIMIT = 150_000;
/** Characters that one more word or sentence may cost, tried in turn. */
const PRICES = [1, 2, 3, 4, 6, 8, 16];

interface Bounds {
  /** Fewest characters from a node to the end, Infinity where there is no way. */
  readonly distance: Float64Array;
  readonly needs: readonly {
    readonly counter: number;
    readonly least: number;
    readonly price: number;
    /** Least of characters - price x increments, from each node to the end. */
    readonly potential: Float64Array;
  }[];
  /** Counters with a most: the fewest increments still to come must fit. */
  readonly rooms: readonly { readonly counter: number; readonly most: number; readonly coming: Float64Array }[];
}

/** Searches a scene. Throws limit_exceeded when the budget is spent first: no guess is made. */
export function search(scene: Scene, maxBytes: number, budget: Budget): Found {
  const bounds = survey(scene, budget);
  if (bounds !== undefined && bounds.distance[scene.start] === Number.POSITIVE_INFINITY) return undefined;
  return explore(scene, bounds, maxBytes, budget);
}

/** Looks at the scene whole; undefined when it is too large. */
function survey(scene: Scene, budget: Budget): Bounds | undefined {
  const before: { from: number; arc: SceneArc }[][] = [];
  let arcs = 0;
  for (let node = 0; node < scene.nodes(); node++) {
    if (scene.nodes() > NODE_LIMIT || arcs > ARC_LIMIT) return undefined;
    for (const arc of scene.arcs(node)) {
      arcs++;
      before[arc.to] ??= [];
      before[arc.to].push({ from: node, arc });
    }
  }
  budget.left -= arcs >> 4;
  const count = scene.nodes();
  const shortest = (weight: (arc: SceneArc) => number): Float64Array | undefined => {
    const distance = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    distance[scene.end] = 0;
    const queue = [scene.end];
    const queued = new Uint8Array(count);
    const rounds = new Int32Array(count);
    for (let i = 0; i < queue.length; i++) {
      const node = queue[i];
      queued[node] = 0;
      for (const { from, arc } of before[node] ?? []) {
        const next = distance[node] + weight(arc);
        if (next >= distance[from]) continue;
        distance[from] = next;
        if (queued[from] === 1) continue;
        // A node that keeps improving lies on a cycle of negative weight (or is costly to settle: the same to us).
        if (++rounds[from] > 64) return undefined;
        queued[from] = 1;
        queue.push(from);
      }
    }
    return distance;
  };
  const distance = shortest((arc) => arc.text.length);
  if (distance === undefined) return undefined;
  const gain = (arc: SceneArc, counter: number) =>
    arc.updates.reduce((sum, u) => sum + (u.counter === counter && u.operation === 'add' ? u.value : 0), 0);
  const needs: Bounds['needs'][number][] = [];
  const rooms: Bounds['rooms'][number][] = [];
  scene.wholeCounters.forEach((limits, counter) => {
    // Only counters that nothing ever sets back are lengths; the others are rounds of a repetition.
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (let node = 0; node < count; node++) {
      for (const arc of scene.arcs(node)) {
        if (arc.updates.some((u) => u.counter === counter && u.operation === 'set')) return;
      }
    }
    for (const { arc } of before[scene.end] ?? []) {
      const guard = arc.guards.find((g) => g.counter === counter);
      const added = gain(arc, counter);
      least = Math.min(least, (guard?.min ?? 0) + added);
      most = Math.max(most, (guard?.max ?? limits.max) + added);
    }
    if (least > 0 && least !== Number.POSITIVE_INFINITY) {
      let best: { price: number; potential: Float64Array } | undefined;
      for (const price of PRICES) {
        const potential = shortest((arc) => arc.text.length - price * gain(arc, counter));
        if (potential === undefined) break;
        best = { price, potential };
      }
      if (best !== undefined) needs.push({ counter, least, ...best });
    }
    if (!limits.saturates) {
      const coming = shortest((arc) => gain(arc, counter));
      if (coming !== undefined) rooms.push({ counter, most, coming });
    }
  });
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

function explore(scene: Scene, bounds: Bounds | undefined, maxBytes: number, budget: Budget): Found {
  /** Fewest characters still to come; Infinity: this cannot be finished. */
  const remaining = (node: number, values: Int32Array): number => {
    if (node === scene.end) return 0;
    if (bounds === undefined) return scene.lacking(node);
    let least = bounds.distance[node];
    for (const { counter, most, coming } of bounds.rooms) {
      if (values[counter] + coming[node] > most) return Number.POSITIVE_INFINITY;
    }
    for (const need of bounds.needs) {
      const missing = need.least - values[need.counter];
      if (missing > 0) least = Math.max(least, Math.ceil(need.price * missing + need.potential[node]));
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
    const total = characters + to;
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
