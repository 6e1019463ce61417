/**
 * The model's rows folded onto token classes: for each masked position the probability of each class, and its likeliest
 * token. Exact, because any token's share of its class is p(token) / mass(class).
 */

/** A feasible class never weighs nothing: floats may only score, what is possible is decided by the bits. */
export const FLOOR = 1e-100;

export interface ClassMasses {
  /** Sum of probability per class, at least FLOOR. */
  readonly mass: Float64Array;
  /** Greatest single probability per class, at least FLOOR. */
  readonly best: Float64Array;
  /** Token with that probability; the lowest id among equals. */
  readonly bestToken: Int32Array;
  /** Probability of the end-of-text token, at least FLOOR. */
  readonly end: number;
}

/** A probability that can be trusted as a weight: NaN, negative and infinite values count as none. */
export function clean(p: number): number {
  return p > 0 && p < Number.POSITIVE_INFINITY ? p : 0;
}

export function classMasses(
  probabilities: Float32Array,
  offset: number,
  classOf: Int32Array,
  classes: number,
  classTokens: Int32Array,
  classStart: Int32Array,
  eos: number,
): ClassMasses {
  const mass = new Float64Array(classes);
  const best = new Float64Array(classes).fill(-1);
  const bestToken = new Int32Array(classes);
  for (let token = 0; token < classOf.length; token++) {
    const p = probabilities[offset + token];
    const k = classOf[token];
    if (!(p > 0 && p < Number.POSITIVE_INFINITY)) continue;
    mass[k] += p;
    if (p > best[k]) {
      best[k] = p;
      bestToken[k] = token;
    }
  }
  for (let k = 0; k < classes; k++) {
    if (best[k] < 0) bestToken[k] = classTokens[classStart[k]];
    if (mass[k] < FLOOR) mass[k] = FLOOR;
    if (best[k] < FLOOR) best[k] = FLOOR;
  }
  return { mass, best, bestToken, end: Math.max(clean(probabilities[offset + eos]), FLOOR) };
}

/** Greatest probability of a token of a set of classes. */
export function bestOfSet(
  lift: { readonly setStart: Int32Array; readonly setClasses: Int32Array },
  set: number,
  masses: ClassMasses,
): number {
  let top = 0;
  for (let i = lift.setStart[set]; i < lift.setStart[set + 1]; i++)
    top = Math.max(top, masses.best[lift.setClasses[i]]);
  return top;
}
