/**
 * Where things stand on the canvas before the first step: the tokens of the literals, how many positions each hole gets,
 * and where phrases that must appear are anchored. What is settled here is drawn from the seed and then proved possible by
 * the bits; the model fills in the rest, seeing literals and phrases from the start.
 */
import { buildLattice, type Frame } from './assemble.ts';
import type { Lattice } from './lattice.ts';
import { createReach } from './reach.ts';

/** Tokens that a hole's value may take. */
export interface TokenRange {
  readonly min: number;
  readonly max: number;
}

export interface PlanHole {
  readonly tokens: TokenRange;
  /** Where the number of positions is drawn from. */
  readonly typical: TokenRange;
  /** True when the hole's value begins the text or follows text that no space joins it to. */
  readonly bare: boolean;
  /** Fixed tokens behind the hole. */
  readonly after: Int32Array;
}

/** A phrase to anchor: its tokens behind a space, and at the very start of a value. */
export interface PlanPhrase {
  readonly joined: Int32Array;
  readonly bare: Int32Array;
  readonly wholeWord: boolean;
}

export interface Plan {
  readonly frame: Frame;
  readonly before: Int32Array;
  readonly holes: readonly PlanHole[];
  readonly phrases: readonly PlanPhrase[];
  /** Bounds on the tokens of the whole text. */
  readonly tokens: TokenRange;
  readonly eos: number;
  /** Per hole and class: 1 where the class may follow a whole-word phrase. */
  readonly mayFollowWord: readonly Uint8Array[];
}

export interface Layout {
  readonly lattice: Lattice;
  /** Text positions, the closing end-of-text token included. */
  readonly positions: number;
  /** Token per position, -1 where the model decides. */
  readonly fixed: Int32Array;
  readonly lengths: readonly number[];
  readonly firsts: readonly number[];
}

/** Layouts tried at random before the witness decides. */
const TRIES = 32;

/** Draws a layout that can be finished; undefined when `TRIES` draws found none. `random(draw)` is uniform in (0, 1). */
export function drawLayout(plan: Plan, random: (draw: number) => number): Layout | undefined {
  let draws = 0;
  const uniform = () => random(draws++);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const lengths = drawLengths(plan, uniform, attempt / TRIES);
    if (lengths === undefined) continue;
    const anchors = placePhrases(plan, lengths, uniform);
    if (anchors === undefined) continue;
    const layout = layOut(plan, lengths, anchors);
    if (layout !== undefined) return layout;
  }
  return undefined;
}

/** A token that stands before the first step, within a hole. */
export interface Anchor {
  readonly hole: number;
  readonly offset: number;
  readonly tokens: Int32Array;
  readonly wholeWord: boolean;
}

/** The layout with these lengths and anchors; undefined when it cannot be finished. */
export function layOut(plan: Plan, lengths: readonly number[], anchors: readonly Anchor[]): Layout | undefined {
  const firsts: number[] = [];
  let position = plan.before.length;
  for (let h = 0; h < lengths.length; h++) {
    firsts.push(position);
    position += lengths[h] + plan.holes[h].after.length;
  }
  const positions = position + 1;
  const inBounds = lengths.every(
    (length, h) => length >= plan.holes[h].tokens.min && length <= plan.holes[h].tokens.max,
  );
  if (!inBounds || position > plan.tokens.max || position < plan.tokens.min) return undefined;
  const fixed = new Int32Array(positions).fill(-1);
  fixed.set(plan.before, 0);
  lengths.forEach((length, h) => {
    fixed.set(plan.holes[h].after, firsts[h] + length);
  });
  fixed[positions - 1] = plan.eos;
  const allowedAt = new Map<number, Uint8Array>();
  for (const { hole, offset, tokens, wholeWord } of anchors) {
    fixed.set(tokens, firsts[hole] + offset);
    const behind = firsts[hole] + offset + tokens.length;
    if (wholeWord && offset + tokens.length < lengths[hole]) allowedAt.set(behind, plan.mayFollowWord[hole]);
  }
  // The tail's own hole and the whole text each may ask for a least number of tokens.
  const tailHole = plan.holes.length - 1;
  const endFrom = Math.max(plan.tokens.min, tailHole < 0 ? 0 : firsts[tailHole] + plan.holes[tailHole].tokens.min);
  const lattice = buildLattice(plan.frame, {
    lengths,
    firsts,
    eos: plan.eos,
    endFrom,
    endUntil: positions,
    allowedAt,
  });
  const reach = createReach(lattice);
  reach.update(fixed);
  return reach.feasible() ? { lattice, positions, fixed, lengths, firsts } : undefined;
}

/** Positions for each hole, within the text's token bounds. `widen` 0..1 opens the typical ranges up to the possible ones. */
function drawLengths(plan: Plan, uniform: () => number, widen: number): number[] | undefined {
  const { holes, tokens, before, frame } = plan;
  const literal = before.length + holes.reduce((sum, hole) => sum + hole.after.length, 0);
  const needed = plan.phrases.reduce((sum, phrase) => sum + phrase.joined.length, 0);
  const lengths = holes.map((hole) => {
    const low = Math.round(hole.typical.min + (hole.tokens.min - hole.typical.min) * widen);
    const high = Math.round(hole.typical.max + (hole.tokens.max - hole.typical.max) * widen * widen);
    return between(low, high, uniform());
  });
  const room = tokens.max - literal;
  if (frame.tail) {
    // The last hole ends where the model ends it; it gets its upper end.
    const last = holes.length - 1;
    const others = lengths.slice(0, last).reduce((a, b) => a + b, 0);
    const upper = Math.round(holes[last].typical.max + (holes[last].tokens.max - holes[last].typical.max) * widen);
    lengths[last] = Math.min(holes[last].tokens.max, Math.max(upper, tokens.min - literal - others), room - others);
  }
  for (let rest = needed; rest > 0 && holes.length > 0 && !frame.tail; rest--) {
    const h = Math.floor(uniform() * holes.length);
    if (lengths[h] < holes[h].tokens.max) lengths[h]++;
  }
  let total = lengths.reduce((a, b) => a + b, 0);
  for (let guard = 0; total > room && guard < 4_096; guard++) {
    const h = Math.floor(uniform() * holes.length);
    if (lengths[h] <= holes[h].tokens.min) continue;
    lengths[h]--;
    total--;
  }
  for (let guard = 0; total + literal < tokens.min && guard < 4_096; guard++) {
    const h = Math.floor(uniform() * holes.length);
    if (lengths[h] >= holes[h].tokens.max) continue;
    lengths[h]++;
    total++;
  }
  const fits =
    total <= room && total + literal >= tokens.min && lengths.every((length, h) => length >= holes[h].tokens.min);
  return fits ? lengths : undefined;
}

/** Free places for all phrases, or undefined when the draw found none. */
function placePhrases(plan: Plan, lengths: readonly number[], uniform: () => number): Anchor[] | undefined {
  const anchors: Anchor[] = [];
  const taken = lengths.map((length) => new Uint8Array(length));
  for (const phrase of shuffled(plan.phrases, uniform)) {
    const places: Anchor[] = [];
    lengths.forEach((length, hole) => {
      // A text that ends where the model ends it is anchored towards its front.
      const until = plan.frame.tail && hole === lengths.length - 1 ? Math.ceil(length * 0.7) : length;
      for (let offset = 0; offset < Math.max(1, until); offset++) {
        const tokens = offset === 0 && plan.holes[hole].bare ? phrase.bare : phrase.joined;
        if (offset + tokens.length > length) continue;
        // One free position between phrases, so that something can join them.
        if (taken[hole].subarray(Math.max(0, offset - 1), offset + tokens.length + 1).includes(1)) continue;
        places.push({ hole, offset, tokens, wholeWord: phrase.wholeWord });
      }
    });
    if (places.length === 0) return undefined;
    const place = places[Math.floor(uniform() * places.length)];
    taken[place.hole].fill(1, place.offset, place.offset + place.tokens.length);
    anchors.push(place);
  }
  return anchors;
}

const between = (low: number, high: number, uniform: number): number =>
  low + Math.floor(uniform * (Math.max(low, high) - low + 1));

function shuffled<T>(items: readonly T[], uniform: () => number): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
