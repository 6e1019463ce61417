/**
 * Tells attention which keys are padding.
 */

/** What is added to the scores of padding keys: e to its power is 0 in float32. */
export const PADDING_SCORE = -1e30;

/** What to add to the scores of each canvas's keys, batch x length: 0, or PADDING_SCORE behind the canvas's own length. */
export function paddingScores(lengths: Int32Array, length: number): Float32Array {
  const scores = new Float32Array(lengths.length * length);
  lengths.forEach((own, canvas) => {
    scores.fill(PADDING_SCORE, canvas * length + own, (canvas + 1) * length);
  });
  return scores;
}
