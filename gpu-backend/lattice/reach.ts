/**
 * The guarantee layer: from which (node, ruler value) can the rest of the canvas still be finished, given what is
 * committed? Exact bit sets, no floats. A token may be kept at a position exactly when its edge leads to a live cell.
 */
import { hasBit, orShiftedDown } from './bits.ts';
import type { Lattice, LatticeHole } from './lattice.ts';

/** Which sets of classes may be taken at one position (one byte each): undefined when all may. */
export type OpenSets = Uint8Array | undefined;

export interface Reach {
  /** Recomputes what changed since the last call. `canvas`: token or -1 (masked) per text position. */
  update(canvas: Int32Array): void;
  /** True when the canvas can be finished. */
  feasible(): boolean;
  /** True when the canvas can be finished from this cell at a layer of a hole. */
  live(hole: number, layer: number, node: number, ruler: number): boolean;
  /** True when the tail may stand from this layer of the last hole on. */
  tailLive(layer: number): boolean;
  /** Sets open at a layer of a hole on the canvas of the last update. */
  openSets(hole: number, layer: number): OpenSets;
  /** Bits of a layer of a hole: nodes x words. */
  layerBits(hole: number, layer: number): Uint32Array;
}

export function createReach(lattice: Lattice): Reach {
  const { holes, words, accepting, tail, eos } = lattice;
  const last = holes.length - 1;
  const layers = holes.map(({ graph, length }) =>
    Array.from({ length: length + 1 }, () => new Uint32Array(graph.nodes * words)),
  );
  const tailLive = new Uint8Array((holes[last]?.length ?? 0) + 1);
  const openSets: OpenSets[][] = holes.map(({ length }) => new Array<OpenSets>(length).fill(undefined));
  let previous: Int32Array | undefined;

  const setsAt = (h: number, position: number, token: number): OpenSets => {
    const { graph } = holes[h];
    const allowed = lattice.allowedAt.get(position);
    if (position >= lattice.endUntil) return new Uint8Array(graph.lift.sets);
    if (token < 0 && allowed === undefined) return undefined;
    const { classOf, sets, setStart, setClasses } = graph.lift;
    const open = new Uint8Array(sets);
    const held = token < 0 || token === eos ? -1 : classOf[token];
    for (let set = 0; set < sets; set++) {
      for (let i = setStart[set]; i < setStart[set + 1]; i++) {
        if (token < 0 ? allowed![setClasses[i]] === 1 : setClasses[i] === held) open[set] = 1;
      }
    }
    return open;
  };

  const endOf = (h: number): void => {
    const { graph, length, link } = holes[h];
    const bits = layers[h][length];
    if (link === undefined) {
      bits.set(accepting.subarray(0, bits.length));
      tailLive[length] = tail ? 1 : 0;
      return;
    }
    bits.fill(0);
    const next = layers[h + 1][0];
    for (let n = 0; n < graph.nodes; n++) {
      for (let x = link.from[n]; x < link.from[n + 1]; x++) {
        orShiftedDown(bits, n * words, next, link.to[x] * words, words, link.rule[x]);
      }
    }
  };

  const layerOf = (h: number, layer: number, token: number): void => {
    const hole = holes[h];
    const open = setsAt(h, hole.first + layer, token);
    openSets[h][layer] = open;
    edgesBack(hole, layer, open, layers[h][layer], layers[h][layer + 1], words);
    if (h !== last || !tail) return;
    const position = hole.first + layer;
    const endsHere = (token < 0 || token === eos) && position >= lattice.endFrom && tailLive[layer + 1] === 1;
    tailLive[layer] = endsHere ? 1 : 0;
    if (endsHere) {
      const bits = layers[h][layer];
      const cells = (hole.reach[layer] + 1) * words;
      for (let w = 0; w < cells; w++) bits[w] |= accepting[w];
    }
  };

  return {
    update(canvas) {
      let changed = canvas.length - 1;
      if (previous !== undefined) while (changed >= 0 && canvas[changed] === previous[changed]) changed--;
      const first = previous === undefined;
      for (let h = last; h >= 0; h--) {
        const { first: start, length } = holes[h];
        if (first || changed >= start + length) endOf(h);
        for (let layer = length - 1; layer >= 0; layer--) {
          if (first || start + layer <= changed) layerOf(h, layer, canvas[start + layer]);
        }
      }
      previous = canvas.slice();
    },
    feasible: () =>
      holes.length === 0
        ? hasBit(accepting, 0, 0)
        : hasBit(layers[0][0], lattice.startNode * words, lattice.startRuler),
    live: (h, layer, node, ruler) => hasBit(layers[h][layer], node * words, ruler),
    tailLive: (layer) => tailLive[layer] === 1,
    openSets: (h, layer) => openSets[h][layer],
    layerBits: (h, layer) => layers[h][layer],
  };
}

function edgesBack(
  hole: LatticeHole,
  layer: number,
  open: OpenSets,
  into: Uint32Array,
  from: Uint32Array,
  words: number,
): void {
  const { graph, groupRule } = hole;
  const { nodeCore, edgeBase, edgeTo, lift } = graph;
  into.fill(0);
  for (let n = 0; n <= hole.reach[layer]; n++) {
    const core = nodeCore[n];
    const firstGroup = lift.groupStart[core];
    const lastGroup = lift.groupStart[core + 1];
    for (let g = firstGroup, edge = edgeBase[n]; g < lastGroup; g++, edge++) {
      const to = edgeTo[edge];
      if (to < 0 || (open !== undefined && open[lift.groupSet[g]] === 0)) continue;
      if (words === 1 && groupRule[g].top === 0) {
        if (from[to] !== 0) {
          into[n] = 1;
          break;
        }
      } else {
        orShiftedDown(into, n * words, from, to * words, words, groupRule[g]);
      }
    }
  }
}
