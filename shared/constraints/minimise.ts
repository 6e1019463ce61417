/**
 * Joins states that no text tells apart (Moore's refinement, started from the distance to acceptance, which settles
 * long chains in one round). Arcs are compared with their guards and updates as labels.
 */
import { type Arc, fromTable, type Machine, NO_ARCS } from './automaton.ts';

/** Cells (state x class) looked at before minimisation is left undone: it is only an economy. */
const WORK_LIMIT = 4_000_000;

/** A machine of the same language with equivalent states joined. */
export function minimise(machine: Machine): Machine {
  const { states, classes } = machine;
  const labels = new Map<string, number>();
  const rows: (readonly Arc[])[] = [];
  // Of each state: class, label and targets of its arcs, one after another; most states have few.
  const cells: number[][] = [];
  const cache = new Map<readonly Arc[], number>();
  for (let s = 0; s < states; s++) {
    const cell: number[] = [];
    for (let c = 0; c < classes; c++) {
      const row = machine.arcs(s, c);
      rows.push(row);
      if (row.length === 0) continue;
      let label = cache.get(row);
      if (label === undefined) {
        const plain = row.length === 1 && row[0].guards.length === 0 && row[0].updates.length === 0;
        const key = plain ? '' : row.map((arc) => JSON.stringify([arc.guards, arc.updates])).join();
        label = labels.get(key) ?? labels.size;
        labels.set(key, label);
        cache.set(row, label);
      }
      cell.push(c, label);
      for (const arc of row) cell.push(~arc.to);
    }
    cells.push(cell);
  }
  const size = cells.reduce((sum, cell) => sum + cell.length, 0);
  let block = startBlocks(machine, rows);
  let blocks = new Set(block).size;
  let work = WORK_LIMIT;
  for (;;) {
    work -= size + states;
    if (work < 0) return machine;
    const ids = new Map<string, number>();
    const next = new Int32Array(states);
    for (let s = 0; s < states; s++) {
      // Numbers as characters: all are below 65,536, and such keys are short.
      let key = String.fromCharCode(block[s] & 0xffff);
      for (const value of cells[s]) key += String.fromCharCode(value < 0 ? block[~value] : value);
      let id = ids.get(key);
      if (id === undefined) {
        id = ids.size;
        ids.set(key, id);
      }
      next[s] = id;
    }
    block = next;
    if (ids.size === blocks) break;
    blocks = ids.size;
  }
  if (blocks === states) return machine;
  const sample = new Int32Array(blocks).fill(-1);
  for (let s = 0; s < states; s++) if (sample[block[s]] < 0) sample[block[s]] = s;
  const arcs: (readonly Arc[])[] = [];
  for (let b = 0; b < blocks; b++) {
    for (let c = 0; c < classes; c++) {
      const row = rows[sample[b] * classes + c];
      arcs.push(row.length === 0 ? NO_ARCS : row.map((arc) => ({ ...arc, to: block[arc.to] })));
    }
  }
  const accepting = [...sample].map((s) => machine.accepting(s));
  return fromTable({ start: block[machine.start], classes, counters: machine.counters, arcs, accepting });
}

/** States by acceptance and by the fewest symbols to an accepting state: equivalent states agree in both. */
function startBlocks(machine: Machine, rows: readonly (readonly Arc[])[]): Int32Array {
  const { states, classes } = machine;
  const before: number[][] = Array.from({ length: states }, () => []);
  for (let s = 0; s < states; s++) {
    for (let c = 0; c < classes; c++) for (const arc of rows[s * classes + c]) before[arc.to].push(s);
  }
  const distance = new Int32Array(states).fill(-1);
  const queue: number[] = [];
  for (let s = 0; s < states; s++) {
    if (machine.accepting(s).length === 0) continue;
    distance[s] = 0;
    queue.push(s);
  }
  for (let i = 0; i < queue.length; i++) {
    for (const from of before[queue[i]]) {
      if (distance[from] >= 0) continue;
      distance[from] = distance[queue[i]] + 1;
      queue.push(from);
    }
  }
  const ids = new Map<string, number>();
  const block = new Int32Array(states);
  for (let s = 0; s < states; s++) {
    const key = `${distance[s]}|${JSON.stringify(machine.accepting(s))}`;
    let id = ids.get(key);
    if (id === undefined) {
      id = ids.size;
      ids.set(key, id);
    }
    block[s] = id;
  }
  return block;
}
