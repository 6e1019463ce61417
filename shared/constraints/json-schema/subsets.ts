/**
 * The subset construction over a graph of JSON texts: a machine over classes of characters.
 *
 * A state is a set of nodes. Counters that no node of a state relies on are 0 there, so that equal texts to come are
 * equal configurations.
 */
import { problem } from '../../contract/problem.ts';
import {
  type Acceptance,
  ALWAYS,
  type Arc,
  both,
  type Counter,
  fromTable,
  type Guard,
  NEVER,
  NO_ARCS,
  type Update,
} from '../automaton.ts';
import { partition } from '../code-points.ts';
import { overCodePoints, type TextMachine } from '../utf8.ts';
import { type Context, spend } from './context.ts';
import type { Graph, Read } from './graph.ts';

interface State {
  readonly reads: readonly Read[];
  readonly live: readonly number[];
  readonly final: boolean;
}

/** The machine of a graph. Throws limit_exceeded over `most` states, or when the work is spent. */
export function determinise(context: Context, graph: Graph, start: number, most: number): TextMachine {
  const { partition: classes, members } = partition(graph.sets);
  const alive = aliveIn(graph);
  const closures: (readonly number[] | undefined)[] = new Array(graph.reads.length);
  const closureOf = (node: number): readonly number[] => {
    closures[node] ??= reach(graph, node, alive);
    return closures[node];
  };
  const ids = new Map<string, number>();
  const states: State[] = [];
  const stateOf = (targets: readonly number[]): number => {
    let nodes = closureOf(targets[0]);
    if (targets.length > 1) nodes = [...new Set(targets.flatMap(closureOf))].sort((a, b) => a - b);
    const key = nodes.join();
    let id = ids.get(key);
    if (id === undefined) {
      id = states.length;
      if (id >= most) tooMany(context, most);
      spend(context, 2 + (nodes.length >> 1) + (classes.classes >> 4));
      ids.set(key, id);
      states.push({
        reads: nodes.flatMap((node) => (graph.reads[node] ?? []).filter((read) => alive[read.to] === 1)),
        live: liveIn(graph, nodes),
        final: nodes.includes(graph.final),
      });
    }
    return id;
  };
  stateOf([start]);
  const arcs: (readonly Arc[])[] = [];
  const accepting: Acceptance[] = [];
  for (let state = 0; state < states.length; state++) {
    const { reads, live, final } = states[state];
    const base = state * classes.classes;
    for (let c = 0; c < classes.classes; c++) arcs.push(NO_ARCS);
    for (const { symbols, threads } of bySymbol(context, reads, members)) {
      const row = arcsOf(graph, live, threads, (targets) => {
        const to = stateOf(targets);
        return { to, live: states[to].live };
      });
      spend(context, row.length);
      for (const symbol of symbols) arcs[base + symbol] = row;
    }
    accepting.push(final ? ALWAYS : NEVER);
  }
  const { counters } = graph;
  return overCodePoints(fromTable({ start: 0, classes: classes.classes, counters, arcs, accepting }), classes);
}

function tooMany(context: Context, most: number): never {
  const { pointer } = context.document.root;
  throw problem('limit_exceeded', `The schema at ${pointer} needs more than ${most} states.`, {
    pointer,
  });
}

/** 1 for each node from which the end can be reached, counters aside. */
function aliveIn({ reads, forks, final }: Graph): Uint8Array {
  const count = reads.length;
  // Edges turned around, as a list of sources for each target.
  const first = new Int32Array(count + 1);
  for (let node = 0; node < count; node++) {
    for (const { to } of reads[node] ?? []) first[to + 1]++;
    for (const to of forks[node] ?? []) first[to + 1]++;
  }
  for (let node = 0; node < count; node++) first[node + 1] += first[node];
  const next = first.slice();
  const sources = new Int32Array(first[count]);
  for (let node = 0; node < count; node++) {
    for (const { to } of reads[node] ?? []) sources[next[to]++] = node;
    for (const to of forks[node] ?? []) sources[next[to]++] = node;
  }
  const alive = new Uint8Array(count);
  alive[final] = 1;
  const queue = [final];
  for (let i = 0; i < queue.length; i++) {
    for (let k = first[queue[i]]; k < first[queue[i] + 1]; k++) {
      if (alive[sources[k]] === 1) continue;
      alive[sources[k]] = 1;
      queue.push(sources[k]);
    }
  }
  return alive;
}

/** Nodes reached without reading that read or end, in order; those aside that lead nowhere. */
function reach({ forks, reads, final }: Graph, from: number, alive: Uint8Array): readonly number[] {
  if (forks[from] === undefined) return [from];
  const seen = new Set([from]);
  for (const node of seen) for (const to of forks[node] ?? []) if (alive[to] === 1) seen.add(to);
  return [...seen].filter((node) => reads[node] !== undefined || node === final).sort((a, b) => a - b);
}

function liveIn({ live }: Graph, nodes: readonly number[]): readonly number[] {
  const [first] = nodes;
  if (nodes.every((node) => live[node] === live[first])) return live[first] ?? [];
  return [...new Set(nodes.flatMap((node) => live[node]))];
}

/** Symbols grouped by the reads that take them. */
function bySymbol(
  context: Context,
  reads: readonly Read[],
  members: readonly (readonly number[])[],
): Iterable<{ symbols: readonly number[]; threads: readonly Read[] }> {
  if (reads.length === 1) return [{ symbols: members[reads[0].set], threads: reads }];
  const takers = new Map<number, number[]>();
  reads.forEach((read, i) => {
    spend(context, 1 + (members[read.set].length >> 2));
    for (const symbol of members[read.set]) {
      const list = takers.get(symbol);
      if (list === undefined) takers.set(symbol, [i]);
      else list.push(i);
    }
  });
  const groups = new Map<string, { symbols: number[]; threads: readonly Read[] }>();
  for (const [symbol, list] of takers) {
    const key = list.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { symbols: [symbol], threads: list.map((i) => reads[i]) });
    else group.symbols.push(symbol);
  }
  return groups.values();
}

type Enter = (targets: readonly number[]) => { readonly to: number; readonly live: readonly number[] };

/** One arc for each region of the counter values that the guards tell apart. */
function arcsOf(
  { counters }: Pick<Graph, 'counters'>,
  live: readonly number[],
  threads: readonly Read[],
  enter: Enter,
): readonly Arc[] {
  const row: Arc[] = [];
  for (const region of regionsOf(counters, threads)) {
    const open = region.length === 0 ? threads : threads.filter(({ guards }) => both(guards, region) !== undefined);
    if (open.length === 0) continue;
    const { to, live: next } = enter([...new Set(open.map((read) => read.to))]);
    row.push({ to, guards: region, updates: updatesOf(live, next, open) });
  }
  return row;
}

function regionsOf(counters: readonly Counter[], threads: readonly Read[]): readonly (readonly Guard[])[] {
  const cuts = new Map<number, Set<number>>();
  for (const { guards } of threads) {
    for (const { counter, min, max } of guards) {
      const set = cuts.get(counter) ?? new Set([0]);
      cuts.set(counter, set.add(min).add(max + 1));
    }
  }
  let regions: readonly (readonly Guard[])[] = [[]];
  for (const [counter, set] of cuts) {
    const { max: top } = counters[counter];
    const starts = [...set].filter((value) => value <= top).sort((a, b) => a - b);
    const intervals = starts.map((min, i) => ({ counter, min, max: i + 1 < starts.length ? starts[i + 1] - 1 : top }));
    regions = regions.flatMap((region) => intervals.map((interval) => [...region, interval]));
  }
  return regions;
}

/** Counters nobody relies on any longer go back to 0. */
function updatesOf(live: readonly number[], next: readonly number[], threads: readonly Read[]): readonly Update[] {
  const updates = new Map<number, Update>();
  for (const read of threads) {
    for (const update of read.updates) if (next.includes(update.counter)) updates.set(update.counter, update);
  }
  for (const counter of live) {
    if (!next.includes(counter)) updates.set(counter, { counter, operation: 'set', value: 0 });
  }
  return updates.size === 0 ? [] : [...updates.values()].sort((a, b) => a.counter - b.counter);
}
