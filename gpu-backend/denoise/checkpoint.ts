/**
 * The whole state of one text between two steps, small enough to be written away every few steps: another engine goes on from it
 * and makes the same text, byte for byte. All random numbers are counter-based, so the step number is all there is to say of them.
 */

/** Survives JSON unchanged. */
export interface TextCheckpoint {
  /** Which of the n texts of the job. */
  readonly index: number;
  /** The last step that was taken, from 1. */
  readonly step: number;
  /** Token at each text position, -1 where masked. */
  readonly canvas: readonly number[];
}
