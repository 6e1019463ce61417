/**
 * Many machines, nothing lost: two engines and a gateway over a real nats-server, engines killed again and again, the server restarted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { readManifest } from '../gpu-backend/model/registry.ts';
import { startNats } from '../scripts/local/nats-server.ts';
import type { GenerationJob } from '../shared/contract/generation.ts';
import { signRequest } from '../shared/contract/signature.ts';
import type { GenerationEvent } from '../shared/contract/stream.ts';
import { faultsOf, redone } from './chaos-audit.ts';
import { chaosJobs, quietTexts } from './chaos-jobs.ts';
import { type ProcessOptions, type RoleProcess, SECRET, startRole } from './chaos-processes.ts';
import { type BenchOptions, median, type Report } from './report.ts';

const ENGINES = 2;
const CALLERS = 16;
/** Steps of a text that may be done again when its engine is killed. */
export const MOST_REDONE = 4;
const PREFIX = 'chaos';
// A bench is no interactive load: all of it may wait.
const PATIENT = { MASKWRIGHT_WAITING_S: '3600', MASKWRIGHT_DEADLINE_S: '3600' };

export interface ChaosOptions extends Pick<BenchOptions, 'model' | 'threads' | 'cacheFolder'> {
  readonly requests: number;
  /** Tokens of the longest text. */
  readonly longest: number;
  /** From one kill to the next. */
  readonly killEveryMs: number;
}

interface Result {
  readonly id: string;
  readonly events: readonly GenerationEvent[];
  readonly milliseconds: number;
}

export interface Chaos {
  readonly results: readonly Result[];
  /** What is wrong, in words, by job. */
  readonly faults: readonly string[];
  readonly kills: number;
  readonly seconds: number;
  readonly redone: Awaited<ReturnType<typeof redone>>;
}

/** Runs it. */
export async function chaos({ requests, longest, killEveryMs, ...options }: ChaosOptions): Promise<Chaos> {
  const { id: model } = await readManifest(options.model);
  const jobs = chaosJobs(requests, model, longest);
  const quiet = await quietTexts(jobs, options);
  const nats = await startNats();
  const processes: ProcessOptions = { ...options, nats: nats.url, prefix: PREFIX, environment: PATIENT };
  const engines: RoleProcess[] = [];
  const all = new Set<RoleProcess>();
  const start = async (role: 'gateway' | 'engine') => {
    const started = await startRole(role, processes);
    all.add(started);
    await started.ready;
    return started;
  };
  const over = new AbortController();
  let kills = 0;
  try {
    const gateway = await start('gateway');
    engines.push(...(await Promise.all(Array.from({ length: ENGINES }, () => start('engine')))));
    await untilReady(gateway.url);
    const began = performance.now();
    const killing = (async () => {
      while (!over.signal.aborted) {
        await sleep(killEveryMs, undefined, { signal: over.signal }).catch(() => {});
        if (over.signal.aborted) break;
        const victim = kills++ % ENGINES;
        engines[victim].child.kill('SIGKILL');
        engines[victim] = await start('engine');
      }
    })();
    const restarting = sleep(1.5 * killEveryMs, undefined, { signal: over.signal })
      .then(() => nats.restart('SIGKILL', 500))
      .catch(() => {});
    const results = await callAll(gateway.url, jobs);
    const seconds = (performance.now() - began) / 1000;
    over.abort();
    await Promise.all([killing, restarting]);
    const faults = results.flatMap(({ id, events }) =>
      faultsOf(events, quiet.get(id)!).map((fault) => `${id}: ${fault}`),
    );
    return { results, faults, kills, seconds, redone: await redone(nats.url, PREFIX) };
  } finally {
    over.abort();
    for (const { child } of all) child.kill('SIGKILL');
    await nats.stop();
  }
}

async function untilReady(url: string): Promise<void> {
  while ((await fetch(`${url}/readyz`)).status !== 200) await sleep(50);
}

/** Every job once, by callers side by side; what is refused is sent again. */
async function callAll(url: string, jobs: readonly GenerationJob[]): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...jobs];
  const caller = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const began = performance.now();
      const events = await call(url, job);
      results.push({ id: job.id, events, milliseconds: performance.now() - began });
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return results;
}

async function call(url: string, job: GenerationJob): Promise<GenerationEvent[]> {
  const body = JSON.stringify(job);
  for (;;) {
    const signed = await signRequest(SECRET, { method: 'POST', path: '/generate', body });
    const headers = { 'content-type': 'application/json', ...signed };
    const response = await fetch(`${url}/generate`, { method: 'POST', headers, body });
    const text = await response.text();
    if (response.status === 429 || response.status === 503) {
      await sleep(1000 * Number(response.headers.get('retry-after') ?? 1) + 20 * Math.random());
      continue;
    }
    if (!response.ok) throw new Error(`the gateway answered ${response.status}: ${text}`);
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as GenerationEvent);
  }
}

const REQUESTS = 500;
const LONGEST = 64;
const KILL_EVERY_MS = 10_000;

const METHOD = `${ENGINES} engines and a gateway as processes over a real nats-server with a file store; ${CALLERS} callers send ${REQUESTS} jobs of one or two \
texts of 21 to ${LONGEST} tokens, a step for each. Every ${KILL_EVERY_MS / 1000} s an engine is killed with SIGKILL and started again; the nats-server is killed once and is back after half a second. \
Each stream is compared, step numbers and text, with a quiet run of the same seeds in one process. Work done again is counted on the stream of events: steps that were published a second time.`;

export async function run(options: BenchOptions): Promise<Report> {
  const { results, faults, kills, seconds, redone } = await chaos({
    ...options,
    requests: REQUESTS,
    longest: LONGEST,
    killEveryMs: KILL_EVERY_MS,
  });
  for (const fault of faults.slice(0, 20)) console.error(fault);
  const waits = results.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  const mostRedone = Math.max(0, ...redone.perText);
  const row = {
    seconds,
    kills,
    takeovers: redone.takeovers,
    'redone steps': redone.steps,
    'redone a kill': kills === 0 ? 0 : redone.steps / kills,
    'p50 ms': median(waits),
    'p99 ms': waits[Math.floor(0.99 * (waits.length - 1))],
  };
  const bars = [
    { what: 'results', value: results.length, bound: `exactly ${REQUESTS}`, holds: results.length === REQUESTS },
    { what: 'faults of streams and texts', value: faults.length, bound: 'exactly 0', holds: faults.length === 0 },
    {
      what: 'steps of a text redone at one kill, most',
      ...{ value: mostRedone, bound: `below ${MOST_REDONE}`, holds: mostRedone < MOST_REDONE },
    },
  ];
  return { bench: 'chaos', method: METHOD, rows: [row], bars };
}
