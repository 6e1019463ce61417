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

/** The classes of a lift, as far as folding a row needs them. */
export interface TokenClasses {
  readonly classes: number;
  /** Class of each token; 0 for what no state allows. */
  readonly classOf: Int32Array;
  readonly classStart: Int32Array;
  readonly classTokens: Int32Array;
}

/**
 * Folds the row at `offset` of `probabilities` onto classes. `best` and `bestToken` are only looked for when `likeliest`
 * is true. Tokens are read class by class, so that each sum stays in a register (3 times faster than scattering, measured).
 */
export function classMasses(
  probabilities: Float32Array,
  offset: number,
  { classes, classStart, classTokens }: Omit<TokenClasses, 'classOf'>,
  eos: number,
  likeliest: boolean,
): ClassMasses {
  const mass = new Float64Array(classes).fill(FLOOR);
  const best = likeliest ? new Float64Array(classes).fill(FLOOR) : NONE;
  const bestToken = likeliest ? new Int32Array(classes) : NO_TOKENS;
  // Class 0 holds what no state allows.
  for (let k = 1; k < classes; k++) {
    const last = classStart[k + 1];
    let sum = 0;
    for (let i = classStart[k]; i < last; i++) sum += probabilities[offset + classTokens[i]];
    if (!(sum >= 0 && sum < Number.POSITIVE_INFINITY)) {
      sum = 0;
      for (let i = classStart[k]; i < last; i++) sum += clean(probabilities[offset + classTokens[i]]);
    }
    if (sum > FLOOR) mass[k] = sum;
    if (!likeliest) continue;
    bestToken[k] = classTokens[classStart[k]];
    for (let i = classStart[k]; i < last; i++) {
      const p = probabilities[offset + classTokens[i]];
      if (p > best[k] && p < Number.POSITIVE_INFINITY) {
        best[k] = p;
        bestToken[k] = classTokens[i];
      }
    }
  }
  return { mass, best, bestToken, end: Math.max(clean(probabilities[offset + eos]), FLOOR) };
}

const NONE = new Float64Array(0);
const NO_TOKENS = new Int32Array(0);

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
