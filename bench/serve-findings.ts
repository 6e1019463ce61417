/**
 * What the calls of a run of the service say together: nothing lost, nothing doubled, the same texts as alone, how fast.
 */
import { type Audit, audit } from './serve-audit.ts';
import type { Call } from './serve-caller.ts';
import type { Ending, Measured, Phase } from './serve-phases.ts';

/** The code of problems that say the service is ending. */
const ENDING = 'backend_unavailable';

export interface PhaseFindings {
  readonly jobs: number;
  readonly texts: number;
  readonly faults: readonly string[];
  /** Tries that were answered with 429. */
  readonly refusals: number;
  readonly tokensPerSecond: number;
  /** Positions x steps: what the model went over. */
  readonly positionsPerSecond: number;
  /** Milliseconds from the first try to the last byte, ascending. */
  readonly latencies: readonly number[];
  /** Cores in use, of the service and of this process. */
  readonly serviceCores: number;
  readonly callerCores: number;
}

export interface Findings {
  /** One caller alone at the service as it is by default. */
  readonly usual: PhaseFindings;
  readonly alone: PhaseFindings;
  readonly load: PhaseFindings;
  /** Texts of the load, and how many of them are those that the same job had alone, at either service. */
  readonly compared: number;
  readonly same: number;
  readonly ending: Pick<PhaseFindings, 'jobs' | 'faults'> & { readonly finished: number; readonly told: number };
}

/**
 * Reads every call of a run.
 * @param usual one caller alone at the service as it is by default, whose texts are to be the same
 */
export function findingsOf({ alone, load, ending }: Measured, usual: Phase): Findings {
  const before = usual.calls.map(audit);
  const first = alone.calls.map(audit);
  const second = load.calls.map(audit);
  // The two services have the same jobs in the same order; one of them got further.
  const known = alone.calls.map(({ request }, i) => [request, [first[i], before[i] ?? first[i]]] as const);
  const audits = new Map(known);
  const pairs = load.calls.flatMap(({ request }, i) =>
    second[i].texts.map(
      (text, index) => text !== undefined && audits.get(request)!.every(({ texts }) => text === texts[index]),
    ),
  );
  return {
    usual: phaseFindings(usual, before),
    alone: phaseFindings(alone, first),
    load: phaseFindings(load, second),
    compared: pairs.length,
    same: pairs.filter(Boolean).length,
    ending: endingFindings(ending),
  };
}

function phaseFindings({ calls, seconds, serviceCpu, callerCpu }: Phase, audits: readonly Audit[]): PhaseFindings {
  const sum = (of: (audit: Audit) => number) => audits.reduce((all, one) => all + of(one), 0);
  const problems = audits.flatMap(({ problem }) => (problem === undefined ? [] : [`ended with ${problem}`]));
  return {
    jobs: calls.length,
    texts: sum(({ texts }) => texts.length),
    faults: [...faultsOf(calls, audits), ...problems],
    refusals: calls.reduce((all, { refusals }) => all + refusals, 0),
    tokensPerSecond: sum(({ tokens }) => tokens) / seconds,
    positionsPerSecond: sum(({ positions }) => positions) / seconds,
    latencies: calls.map(({ asked, ended }) => ended - asked).sort((a, b) => a - b),
    serviceCores: serviceCpu / seconds,
    callerCores: callerCpu / seconds,
  };
}

/** Each fault with the job it is of. */
function faultsOf(calls: readonly Call[], audits: readonly Audit[]): string[] {
  return calls.flatMap(({ id }, i) => audits[i].faults.map((fault) => `${id}: ${fault}`));
}

/** Who comes when there is nobody any more: nothing of his was taken, and he knows. */
const TOO_LATE = /ECONNREFUSED/;

/** At the end a job may also be told that the service is ending, or find it gone; anything else is a loss. */
function endingFindings({ calls }: Ending): Findings['ending'] {
  const late = calls.filter(({ broken }) => TOO_LATE.test(broken ?? ''));
  const audits = calls.filter((call) => !late.includes(call)).map(audit);
  const told = audits.filter(({ problem }) => problem === ENDING);
  const begun = audits.filter(({ problem }) => problem !== ENDING);
  const broken = told.flatMap(({ faults }) => faults).filter((fault) => !fault.startsWith('status 503'));
  return {
    jobs: calls.length,
    finished: begun.filter(({ faults, problem }) => faults.length === 0 && problem === undefined).length,
    told: told.length + late.length,
    faults: [
      ...begun.flatMap(({ faults, problem }) =>
        problem === undefined ? faults : [...faults, `ended with ${problem}`],
      ),
      ...broken,
    ],
  };
}

/** The value below which that share of ascending values lies. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))];
}
