/**
 * How much an engine takes on at once, by what carries out its products.
 */
import type { Device } from '../model/device.ts';

export interface Capacity {
  /** Most canvases of one model call. */
  readonly canvases: number;
  /** Most positions of one model call. */
  readonly positions: number;
  /** Most memory for the distributions of one model call: a row holds a float32 for every token of the vocabulary. */
  readonly bytes: number;
  /** Most texts denoised at once. */
  readonly running: number;
  /** Most texts that wait. A request has at most 256 KiB, so that of a thousand even the largest fit in memory. */
  readonly waiting: number;
  /** Most seconds that a job is let wait for. */
  readonly waitingS: number;
  /** Most jobs that rest: they keep their prepared constraints, megabytes where these are large. */
  readonly resting: number;
  /** How long a reader may be away before his job rests, in milliseconds: longer than a moment's congestion takes. */
  readonly restAfterMs: number;
  /**
   * Positions evaluated a second times parameters, until some have been seen. Two cores make 1e10 to 1e11, the lattice included
   * (measured); an accelerator of 4e14 multiplications and additions a second could make 2e14 at best.
   */
  readonly workPerSecond: number;
}

// One canvas of 128 positions fills two cores. Eight together take 7% less time each, and with it most of the service's memory;
// 12 or 24 texts at once get no more done than 6 (measured).
const PROCESSOR: Capacity = {
  canvases: 8,
  positions: 256,
  bytes: 2 ** 23,
  running: 6,
  waiting: 256,
  resting: 64,
  waitingS: 60,
  restAfterMs: 250,
  workPerSecond: 5e10,
};
// Not measured: sized by what accelerators have, 128 canvases of 128 positions and a quarter of a gigabyte of distributions.
const ACCELERATOR: Capacity = {
  canvases: 128,
  positions: 16_384,
  bytes: 2 ** 28,
  running: 256,
  waiting: 1_024,
  resting: 256,
  waitingS: 60,
  restAfterMs: 250,
  workPerSecond: 5e13,
};

// Two engines with three places each get as much done as with six, in less memory and with a shorter tail (measured).
const RUNNING_IN_EACH = 3;

export function capacityOf(device: Device): Capacity {
  return device === 'cpu' ? PROCESSOR : ACCELERATOR;
}

/** Texts denoised at once by each of so many engines of a process. */
export function placesOf(device: Device, engines: number): number {
  return engines === 1 ? capacityOf(device).running : RUNNING_IN_EACH;
}
