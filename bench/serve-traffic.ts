/**
 * Callers of the service in a stretch of time, each with its next job as soon as its last one has ended.
 */
import type { Call, Callers } from './serve-caller.ts';
import type { MixedRequest } from './serve-mix.ts';
import type { ServiceProcess } from './service.ts';

/** A stretch of time, and the calls that ended in it. */
export interface Phase {
  readonly calls: readonly Call[];
  readonly seconds: number;
  /** Positions that the model went over meanwhile, padding left out. */
  readonly positions: number;
  /** Processor seconds of the service, and of this process, which calls it. */
  readonly serviceCpu: number;
  readonly callerCpu: number;
}

export interface Traffic {
  /** Those that have ended so far. */
  readonly calls: readonly Call[];
  /** No new calls; resolves when those under way have ended. */
  stop(): Promise<void>;
}

const OK = 200;

/**
 * So many callers go through the jobs, until the service takes no more.
 * @param first where among the jobs they begin
 */
export function startTraffic(
  callers: Callers,
  jobs: readonly MixedRequest[],
  name: string,
  count: number,
  first = 0,
): Traffic {
  const calls: Call[] = [];
  let next = first;
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

/** What happens from now until `last` resolves. */
export async function phase(service: ServiceProcess, { calls }: Traffic, last: () => Promise<void>): Promise<Phase> {
  const first = calls.length;
  const before = await countersOf(service);
  const started = performance.now();
  const service0 = service.cpuSeconds();
  const own = process.cpuUsage();
  await last();
  const seconds = (performance.now() - started) / 1_000;
  const serviceCpu = service.cpuSeconds() - service0;
  const { user, system } = process.cpuUsage(own);
  const after = await countersOf(service);
  return {
    calls: calls.slice(first),
    seconds,
    positions: after('positions_evaluated') - before('positions_evaluated'),
    serviceCpu,
    callerCpu: (user + system) / 1e6,
  };
}

/** What the service has counted so far, by the names of its exposition. */
export async function countersOf(service: ServiceProcess): Promise<(name: string) => number> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  return (name) => Number(new RegExp(`^maskwright_${name}_total (\\S+)$`, 'm').exec(text)?.[1]);
}
