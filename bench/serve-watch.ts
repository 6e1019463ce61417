/**
 * What is looked at while the service is under load: its memory, how soon it answers, for how long it holds its sockets up.
 */
import type { Blocks } from './longest-block.ts';
import { countersOf } from './serve-traffic.ts';
import type { ServiceProcess } from './service.ts';

export interface Watched {
  /** Megabytes, one a second. */
  readonly resident: readonly number[];
  /** Milliseconds until /healthz had answered. */
  readonly healthz: readonly number[];
  readonly blocks: Blocks;
  readonly peakMegabytes: number;
  /** Of the positions of model calls, those that were padding, 0..1. */
  readonly padding: number;
}

const PROBE_MS = 50;
const SAMPLE_MS = 1_000;

export function startWatching(service: ServiceProcess): { stop(): Promise<Watched> } {
  const resident: number[] = [];
  const healthz: number[] = [];
  const counted = countersOf(service);
  const reset = service.blocks();
  const sampling = setInterval(() => resident.push(service.residentMegabytes()), SAMPLE_MS);
  let watching = true;
  const probing = (async () => {
    while (watching) {
      const started = performance.now();
      await (await fetch(`${service.url}/healthz`)).text();
      healthz.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
    }
  })();
  return {
    async stop() {
      watching = false;
      clearInterval(sampling);
      await Promise.all([probing, reset]);
      const [before, after] = [await counted, await countersOf(service)];
      const grown = (name: string) => after(name) - before(name);
      return {
        resident,
        healthz,
        blocks: await service.blocks(),
        peakMegabytes: service.peakMegabytes(),
        padding: grown('positions_padded') / (grown('positions_evaluated') + grown('positions_padded')),
      };
    },
  };
}
