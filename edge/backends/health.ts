/**
 * How an inference service has done lately, as this isolate saw it: how soon it answers, and whether it is worth asking at all. Every
 * isolate learns for itself; nothing is shared between them.
 *
 * Latency is a peak exponentially weighted moving average, as in Finagle: a slow answer counts at once, quick ones win it back over
 * seconds. The circuit opens after several failures in a row; once it has been open for a while a probe decides.
 */

/** Failures in a row from which on a service is left alone. */
export const FAILURES = 5;
/** For how long, doubled each time until the longest. Short: where all are open, callers are refused meanwhile. */
const OPEN_MS = 1_000;
const LONGEST_OPEN_MS = 5_000;
/** Time in which a measurement loses most of its weight. */
const TAU_MS = 10_000;
/** Of a service that nobody has measured yet: it is asked soon. */
const LEAST_MS = 1;
/** Longest that a service which says it is full is asked last; what it refuses one job it may give a smaller one. */
const LONGEST_BUSY_MS = 10_000;
/** A probe whose request ended before it did never says so. */
const PROBE_MS = 2_000;

export interface Health {
  /** Milliseconds to the first event, and when that was so (Unix milliseconds). */
  latency: number;
  measured: number;
  /** Jobs of this isolate that have not ended. */
  jobs: number;
  /** Failures since the last success, and how often the circuit opened since. */
  failures: number;
  opened: number;
  /** Unix milliseconds until which it is left alone, asked last, and probed by somebody. */
  openUntil: number;
  busyUntil: number;
  probedUntil: number;
  /** When it was last known to be alive. */
  alive: number;
}

export const newHealth = (): Health => ({
  ...{ latency: 0, measured: 0, jobs: 0, failures: 0, opened: 0 },
  ...{ openUntil: 0, busyUntil: 0, probedUntil: 0, alive: 0 },
});

/** `probe`: the circuit has been open long enough, and nobody has asked yet whether the service is back. */
export type Circuit = 'closed' | 'open' | 'probe';

export function circuitOf({ failures, openUntil, probedUntil }: Health, now: number): Circuit {
  if (failures < FAILURES) return 'closed';
  return now < openUntil || now < probedUntil ? 'open' : 'probe';
}

/** Somebody asks; for others the circuit stays open meanwhile. */
export function probing(health: Health, now: number): void {
  health.probedUntil = now + PROBE_MS;
}

/** What the probe found. Back again, a service is on probation: one failure opens the circuit again. */
export function probed(health: Health, isAlive: boolean, now: number): void {
  health.probedUntil = 0;
  if (isAlive) {
    health.failures = Math.min(health.failures, FAILURES - 1);
    health.alive = now;
  } else if (circuitOf(health, now) !== 'closed') open(health, now);
}

/** The first event of a job came. */
export function answered(health: Health, ms: number, now: number): void {
  const before = latencyOf(health, now);
  const weight = Math.exp(-(now - health.measured) / TAU_MS);
  health.latency = ms > before ? ms : health.latency * weight + ms * (1 - weight);
  health.measured = now;
  health.failures = 0;
  health.opened = 0;
  health.busyUntil = 0;
  health.alive = now;
}

/** It said anything at all. */
export function heard(health: Health, now: number): void {
  health.alive = now;
  if (circuitOf(health, now) === 'closed') health.failures = 0;
}

/** It could not be reached, or broke off. */
export function failed(health: Health, now: number): void {
  if (circuitOf(health, now) === 'open') return; // of a request that was on its way before
  if (++health.failures >= FAILURES) open(health, now);
}

/** It lives and takes nothing: it is full, loading or about to end. */
export function refused(health: Health, waitMs: number, now: number): void {
  health.failures = 0;
  health.busyUntil = now + Math.min(waitMs, LONGEST_BUSY_MS);
  health.alive = now;
}

/** What one job more is expected to wait here. */
export function costOf(health: Health, now: number): number {
  return Math.max(LEAST_MS, latencyOf(health, now)) * (health.jobs + 1);
}

export const isBusy = ({ busyUntil }: Health, now: number): boolean => now < busyUntil;

/** What is old says less and less: a service that was slow is asked again some time. */
function latencyOf({ latency, measured }: Health, now: number): number {
  return latency * Math.exp(-(now - measured) / TAU_MS);
}

function open(health: Health, now: number): void {
  health.failures = FAILURES;
  health.openUntil = now + Math.min(LONGEST_OPEN_MS, OPEN_MS * 2 ** health.opened);
  health.opened++;
}
