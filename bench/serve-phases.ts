/**
 * The service alone with one caller, then under the load of many, and told to end while they go on.
 */

import type { ModelSummary } from '../shared/contract/manifest.ts';
import type { Blocks } from './longest-block.ts';
import { type Call, type Callers, createCallers } from './serve-caller.ts';
import { type MixedRequest, mixOf } from './serve-mix.ts';
import type { ServiceProcess } from './service.ts';

export interface Load {
  readonly callers: number;
  /** Of the load; one caller alone has a third as long before it. */
  readonly seconds: number;
  /** Tokens of the longest texts. */
  readonly longest: number;
}

/** A stretch of time, and the calls that ended in it. */
export interface Phase {
  readonly calls: readonly Call[];
  readonly seconds: number;
  /** Processor seconds of the service, and of this process, which calls it. */
  readonly serviceCpu: number;
  readonly callerCpu: number;
}

/** What is looked at while the load lasts. */
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

/** How it ended. */
export interface Ending {
  /** Milliseconds from the signal to the first answer of /readyz that says no; undefined where none did. */
  readonly unreadyMs?: number;
  readonly exitCode: number | null;
  readonly seconds: number;
  /** Calls that were under way at the signal, or sent behind it. */
  readonly calls: readonly Call[];
}

export interface Measured {
  readonly alone: Phase;
  readonly load: Phase;
  readonly watched: Watched;
  readonly ending: Ending;
}

/** As many different jobs as one caller alone never gets through. */
const JOBS = 600;
/** Share of the load's time before anything is measured: the just-in-time compiler's. */
const WARM_UP = 1 / 12;
/** The same once more under load. */
const LOAD_WARM_UP = 1 / 3;
const PROBE_MS = 50;
const SAMPLE_MS = 1_000;
const OK = 200;

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Measures one caller alone at a service that was just started; it has ended afterwards. */
export async function measureAlone(service: ServiceProcess, { seconds, longest }: Load): Promise<Phase> {
  const callers = createCallers(service.url, 2);
  const alone = await oneCaller(service, callers, seconds, longest);
  callers.close();
  await service.stop();
  return alone;
}

/** Measures a service that was just started; it has ended afterwards. */
export async function measure(service: ServiceProcess, { callers: count, seconds, longest }: Load): Promise<Measured> {
  const callers = createCallers(service.url, count);
  const alone = await oneCaller(service, callers, seconds, longest);
  const known = alone.calls.map(({ request }) => request);
  const many = startTraffic(callers, known, 'load', count);
  // A job goes to one of the engines, so it takes several rounds until each of them has kept ready what it may keep.
  await pause(1_000 * seconds * LOAD_WARM_UP);
  const watching = startWatching(service);
  const load = await phase(service, many.calls, () => pause(1_000 * seconds));
  const watched = await watching.stop();

  const before = many.calls.length;
  const ending = await end(service, many.stop);
  callers.close();
  return { alone, load, watched, ending: { ...ending, calls: many.calls.slice(before) } };
}

/** Warms a service up; then one caller, with a third of the time. */
async function oneCaller(service: ServiceProcess, callers: Callers, seconds: number, longest: number): Promise<Phase> {
  const [model] = (await (await fetch(`${service.url}/models`)).json()) as ModelSummary[];
  const jobs = mixOf(model, JOBS, longest);
  const warming = startTraffic(callers, jobs, 'warm-up', 2);
  await pause(1_000 * seconds * WARM_UP);
  await warming.stop();

  const one = startTraffic(callers, jobs, 'alone', 1);
  return phase(service, one.calls, async () => {
    await pause((1_000 * seconds) / 3);
    await one.stop();
  });
}

interface Traffic {
  /** Those that have ended so far. */
  readonly calls: readonly Call[];
  /** No new calls; resolves when those under way have ended. */
  stop(): Promise<void>;
}

/** So many callers, each with its next job as soon as its last one has ended, until the service takes no more. */
function startTraffic(callers: Callers, jobs: readonly MixedRequest[], name: string, count: number): Traffic {
  const calls: Call[] = [];
  let next = 0;
  let stopping = false;
  const work = async () => {
    while (!stopping) {
      const number = next++;
      const call = await callers.call(jobs[number % jobs.length], `${name}-${number}`);
      calls.push(call);
      if (call.status !== OK) return;
    }
  };
  const all = Promise.all(Array.from({ length: count }, work));
  return {
    calls,
    async stop() {
      stopping = true;
      await all;
    },
  };
}

async function phase(service: ServiceProcess, calls: readonly Call[], last: () => Promise<void>): Promise<Phase> {
  const first = calls.length;
  const started = performance.now();
  const service0 = service.cpuSeconds();
  const own = process.cpuUsage();
  await last();
  const { user, system } = process.cpuUsage(own);
  return {
    calls: calls.slice(first),
    seconds: (performance.now() - started) / 1_000,
    serviceCpu: service.cpuSeconds() - service0,
    callerCpu: (user + system) / 1e6,
  };
}

function startWatching(service: ServiceProcess): { stop(): Promise<Watched> } {
  const resident: number[] = [];
  const healthz: number[] = [];
  const counted = counters(service);
  const reset = service.blocks();
  const sampling = setInterval(() => resident.push(service.residentMegabytes()), SAMPLE_MS);
  let watching = true;
  const probing = (async () => {
    while (watching) {
      const started = performance.now();
      await (await fetch(`${service.url}/healthz`)).text();
      healthz.push(performance.now() - started);
      await pause(PROBE_MS);
    }
  })();
  return {
    async stop() {
      watching = false;
      clearInterval(sampling);
      await Promise.all([probing, reset]);
      const [before, after] = [await counted, await counters(service)];
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

/** What the service has counted so far, by the names of its exposition. */
async function counters(service: ServiceProcess): Promise<(name: string) => number> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  return (name) => Number(new RegExp(`^maskwright_${name}_total (\\S+)$`, 'm').exec(text)?.[1]);
}

/** Tells the service to end in the middle of its load. */
async function end(service: ServiceProcess, stop: () => Promise<void>): Promise<Omit<Ending, 'calls'>> {
  const started = performance.now();
  const ended = service.stop();
  const unreadyMs = await unready(service.url).catch(() => undefined); // it was gone before it said so
  await stop();
  return {
    ...(unreadyMs === undefined ? {} : { unreadyMs }),
    exitCode: await ended,
    seconds: (performance.now() - started) / 1_000,
  };
}

/** Asks until the answer is no: a signal takes its way, too. */
async function unready(url: string): Promise<number> {
  const started = performance.now();
  for (;;) {
    const { ok, body } = await fetch(`${url}/readyz`);
    await body?.cancel();
    if (!ok) return performance.now() - started;
  }
}
