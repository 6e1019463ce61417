/**
 * How spread out a distribution is: its margin or its entropy.
 */

/** margin: probability of the likeliest token less that of the second (0..1). entropy: minus the entropy in nats (at most 0). */
export const MEASURES = ['margin', 'entropy'] as const;
export type Measure = (typeof MEASURES)[number];

export interface ManyTokens {
  readonly total: number;
  readonly entropy: number;
  readonly first: number;
  readonly second: number;
}

export interface Meter {
  /** Takes one token's weight, which need not be normalised. */
  add(weight: number): void;
  /** Takes the tokens of a class together: their sum, their sum of p ln p, their two likeliest; each p weighs p * ways. */
  addMany(tokens: ManyTokens, ways: number): void;
  /** The measure of what was added; of nothing, that of no certainty at all. The greater, the more certain. */
  value(): number;
}

export function meter(measure: Measure): Meter {
  let total = 0;
  let first = 0;
  let second = 0;
  let weighted = 0; // sum of q ln q
  return measure === 'margin'
    ? {
        add(q) {
          total += q;
          if (q > first) {
            second = first;
            first = q;
          } else if (q > second) second = q;
        },
        addMany(tokens, ways) {
          total += (tokens.total - tokens.first - tokens.second) * ways;
          this.add(tokens.first * ways);
          this.add(tokens.second * ways);
        },
        value: () => (total > 0 ? (first - second) / total : 0),
      }
    : {
        add(q) {
          if (!(q > 0)) return;
          total += q;
          weighted += q * Math.log(q);
        },
        // The sum of (w p) ln (w p) over p is w (sum of p ln p + ln w sum of p).
        addMany(tokens, ways) {
          if (!(tokens.total > 0 && ways > 0)) return;
          total += tokens.total * ways;
          weighted += ways * (tokens.entropy + Math.log(ways) * tokens.total);
        },
        // -H = sum (q/S) ln (q/S) = (sum q ln q) / S - ln S
        value: () => (total > 0 ? Math.min(0, weighted / total - Math.log(total)) : Number.NEGATIVE_INFINITY),
      };
}
