/**
 * The service under load: is every answer whole, true and the same as alone, and does it get more done than for one caller?
 */
import { availableParallelism } from 'node:os';
import { type Bar, type BenchOptions, median, type Report, type Row } from './report.ts';
import { type Findings, findingsOf, type PhaseFindings, quantile } from './serve-findings.ts';
import { type Load, type Measured, measure } from './serve-phases.ts';
import { startService } from './service.ts';

const CALLERS = 64;
const LONGEST = 200;
const ROUNDS = 5;
/** The default of gpu-backend/config.ts: so long has what is under way at SIGTERM. */
const GRACE_SECONDS = 25;
/** Room for the process to end in, once nothing is under way. */
const EXIT_SECONDS = 1;
/** How soon /readyz says no. */
const UNREADY_MS = 250;
const FASTER = 1.3;
const SLOWEST = 3;
const GROWTH = 0.05;
const PADDING = 0.15;
const BLOCK_MS = 20;

const METHOD = `Two services as processes of their own, with the shipped model; signed traffic on the loopback interface. One is as it is by default, one \
engine with all cores; the other has as many engines as are asked for, one for each core if nothing is. A seeded mix of jobs: all kinds of constraints, 8 to \
${LONGEST} tokens, every effort, one or two texts. ${ROUNDS} rounds, because how fast a machine is changes from minute to minute: a stretch of one caller alone at each \
service, then of ${CALLERS} callers at the second, every other round backwards; the gain is taken within a round. Then ${CALLERS} callers at the second \
service for long, each with its next job as soon as its last one has ended, and SIGTERM in the middle of it. Callers wait as long as a 429 says. Latency is from the \
first try to the last byte. All that came is read afterwards: events, frames, the checker, and the texts compared with those of the same job alone, at both services. \
Resident memory once a second. The long load goes on for a third of its time before anything is measured, so that each engine has what it keeps ready; a \
sixth more is left out of the growth.`;

export async function run(options: BenchOptions): Promise<Report> {
  const load: Load = { callers: CALLERS, seconds: options.seconds, rounds: ROUNDS, longest: LONGEST };
  const { model, cacheFolder, engines = availableParallelism() } = options;
  const usual = await startService({ model, cacheFolder });
  const measured = await measure(usual, await startService({ model, cacheFolder, engines }), load);
  return reportOf(load, engines, measured, findingsOf(measured));
}

/** Relative to the first part of the load after its warm-up, how much more memory the last part has, by their medians. */
function growth(resident: readonly number[]): number {
  const part = Math.floor(resident.length / 3);
  const warm = Math.floor(part / 2);
  return median(resident.slice(-part)) / median(resident.slice(warm, warm + part)) - 1;
}

function phaseRow(phase: string, engines: number, callers: number, found: PhaseFindings): Row {
  const at = (share: number) => quantile(found.latencies, share);
  return {
    phase,
    engines,
    callers,
    jobs: found.jobs,
    texts: found.texts,
    refusals: found.refusals,
    tokens_per_second: found.tokensPerSecond,
    positions_per_second: Math.round(found.positionsPerSecond),
    p50_ms: at(0.5),
    p90_ms: at(0.9),
    p99_ms: at(0.99),
    service_cores: found.serviceCores,
    caller_cores: found.callerCores,
  };
}

function gainBar(over: string, gains: readonly number[]): Bar {
  const value = median(gains);
  const rounds = gains.map((gain) => gain.toFixed(2)).join(', ');
  return {
    what: `positions a second under load over ${over}, median of rounds (${rounds})`,
    value,
    bound: `at least ${FASTER}`,
    holds: value >= FASTER,
  };
}

function reportOf({ callers }: Load, engines: number, { watched, ending }: Measured, found: Findings): Report {
  const { usual, alone, many, load } = found;
  const faults = [usual, alone, many, load].flatMap((phase) => phase.faults);
  for (const fault of [...faults, ...found.ending.faults].slice(0, 5)) console.error(fault);
  const healthz = [...watched.healthz].sort((a, b) => a - b);
  const atMost = (what: string, value: number, most: number): Bar => ({
    what,
    value,
    bound: `at most ${most}`,
    holds: value <= most,
  });
  const exactly = (what: string, value: number, right: number): Bar => ({
    what,
    value,
    bound: `exactly ${right}`,
    holds: value === right,
  });
  const tail = quantile(load.latencies, 0.99) / quantile(load.latencies, 0.5);
  return {
    bench: 'serve',
    method: METHOD,
    rows: [
      phaseRow('alone', 1, 1, usual),
      phaseRow('alone', engines, 1, alone),
      phaseRow('many', engines, callers, many),
      phaseRow('load', engines, callers, load),
    ],
    bars: [
      exactly('errors but 429, lost, doubled or unchecked results, alone and under load', faults.length, 0),
      exactly(`share of ${found.compared} texts under load that are the same as alone`, found.same / found.compared, 1),
      gainBar(
        'one caller alone at the same service',
        found.gains.map(({ overAlone }) => overAlone),
      ),
      gainBar(
        'one caller alone at the service by default',
        found.gains.map(({ overUsual }) => overUsual),
      ),
      atMost('99th percentile of the latency over its median', tail, SLOWEST),
      atMost('growth of the resident memory over the load', growth(watched.resident), GROWTH),
      atMost('share of padding in what the model evaluated', watched.padding, PADDING),
      atMost('longest turn of the thread that has the sockets, ms of its own', watched.blocks.longest, BLOCK_MS),
      { what: 'the same, waiting for a core included, ms', value: watched.blocks.latest, bound: 'no bar', holds: true },
      { what: 'healthz, 99th percentile, ms', value: quantile(healthz, 0.99), bound: 'no bar', holds: true },
      {
        what: 'peak memory of the service, MB',
        value: watched.peakMegabytes,
        bound: 'bar of the bench memory',
        holds: true,
      },
      atMost('ms from SIGTERM to /readyz saying no', ending.unreadyMs ?? Number.POSITIVE_INFINITY, UNREADY_MS),
      exactly(
        `results lost at the end, of ${found.ending.jobs} (${found.ending.finished} finished, ${found.ending.told} told)`,
        found.ending.faults.length,
        0,
      ),
      exactly('exit code', ending.exitCode ?? Number.NaN, 0),
      atMost('seconds from SIGTERM to the exit', ending.seconds, GRACE_SECONDS + EXIT_SECONDS),
    ],
  };
}
