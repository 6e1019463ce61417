/**
 * How far the loading of a model is, for whoever waits for it.
 */

/** What takes time: reading every byte for its checksum, making the quantised form, and the runtime's own preparation. */
export type LoadPhase = 'verifying' | 'quantising' | 'opening';

/** Told that `done` of `total` of a phase is behind us: bytes; of `opening`, which the runtime does not measure, 0 or 1 of 1. */
export type ReportLoad = (phase: LoadPhase, done: number, total: number) => void;

/** More often than this nobody looks. */
const INTERVAL_MS = 100;

/** Passes on what begins or ends a phase, and in between no more than ten reports a second. */
export function throttled(report: ReportLoad, now: () => number = () => performance.now()): ReportLoad {
  let last = Number.NEGATIVE_INFINITY;
  let current: LoadPhase | undefined;
  return (phase, done, total) => {
    if (phase === current && done < total && now() - last < INTERVAL_MS) return;
    current = phase;
    last = now();
    report(phase, done, total);
  };
}
