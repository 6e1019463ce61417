/**
 * What the calls of a run of the service say together: nothing lost, nothing doubled, the same texts as alone, how fast.
 */
import { type Audit, audit } from './serve-audit.ts';
import type { Call } from './serve-caller.ts';
import type { MixedRequest } from './serve-mix.ts';
import type { Ending, Measured } from './serve-phases.ts';
import type { Phase } from './serve-traffic.ts';

/** The code of problems that say the service is ending. */
const ENDING = 'backend_unavailable';

export interface PhaseFindings {
  readonly jobs: number;
  readonly texts: number;
  readonly faults: readonly string[];
  /** Tries that were answered with 429. */
  readonly refusals: number;
  readonly tokensPerSecond: number;
  /** Positions x steps: what the model went over, for texts that are finished or not. */
  readonly positionsPerSecond: number;
  /** Milliseconds from the first try to the last byte, ascending. */
  readonly latencies: readonly number[];
  /** Cores in use, of the service and of this process. */
  readonly serviceCores: number;
  readonly callerCores: number;
}

/** How much more was done for many callers than for one, in one round. */
export interface Gain {
  /** Over one caller alone at the same service. */
  readonly overAlone: number;
  /** Over one caller alone at the service as it is by default. */
  readonly overUsual: number;
}

export interface Findings {
  /** Of all rounds together: one caller alone at the service as it is by default, one alone at the other, many there. */
  readonly usual: PhaseFindings;
  readonly alone: PhaseFindings;
  readonly many: PhaseFindings;
  /** The long load. */
  readonly load: PhaseFindings;
  /** Round by round. */
  readonly gains: readonly Gain[];
  /** How often a text of many callers was compared with that of the same job alone, at either service, and how often it was the same. */
  readonly compared: number;
  readonly same: number;
  readonly ending: Pick<PhaseFindings, 'jobs' | 'faults'> & { readonly finished: number; readonly told: number };
}

/** Reads every call of a run. */
export function findingsOf({ rounds, load, ending }: Measured): Findings {
  const [usual, alone, many] = (['usual', 'alone', 'many'] as const).map((kind) => read(rounds.map((r) => r[kind])));
  const long = read([load]);
  const known = new Map<MixedRequest, Audit[]>();
  for (const { request, audit } of [...usual.calls, ...alone.calls]) {
    known.set(request, [...(known.get(request) ?? []), audit]);
  }
  const pairs = [...many.calls, ...long.calls].flatMap(({ request, audit: { texts } }) =>
    (known.get(request) ?? []).flatMap((other) =>
      texts.map((text, i) => text !== undefined && text === other.texts[i]),
    ),
  );
  const rate = ({ positions, seconds }: Phase) => positions / seconds;
  return {
    usual: usual.findings,
    alone: alone.findings,
    many: many.findings,
    load: long.findings,
    gains: rounds.map((round) => ({
      overAlone: rate(round.many) / rate(round.alone),
      overUsual: rate(round.many) / rate(round.usual),
    })),
    compared: pairs.length,
    same: pairs.filter(Boolean).length,
    ending: endingFindings(ending),
  };
}

interface ReadCall extends Call {
  readonly audit: Audit;
}

/** All calls of some phases of one kind, and what they say together. */
function read(phases: readonly Phase[]): { readonly calls: readonly ReadCall[]; readonly findings: PhaseFindings } {
  const calls = phases.flatMap((phase) => phase.calls).map((call) => ({ ...call, audit: audit(call) }));
  const total = (of: (phase: Phase) => number) => phases.reduce((all, phase) => all + of(phase), 0);
  const sum = (of: (call: ReadCall) => number) => calls.reduce((all, call) => all + of(call), 0);
  const seconds = total((phase) => phase.seconds);
  const findings = {
    jobs: calls.length,
    texts: sum(({ audit }) => audit.texts.length),
    faults: calls.flatMap(({ id, audit: { faults, problem } }) => [
      ...faults.map((fault) => `${id}: ${fault}`),
      ...(problem === undefined ? [] : [`${id}: ended with ${problem}`]),
    ]),
    refusals: sum(({ refusals }) => refusals),
    tokensPerSecond: sum(({ audit }) => audit.tokens) / seconds,
    positionsPerSecond: total(({ positions }) => positions) / seconds,
    latencies: calls.map(({ asked, ended }) => ended - asked).sort((a, b) => a - b),
    serviceCores: total(({ serviceCpu }) => serviceCpu) / seconds,
    callerCores: total(({ callerCpu }) => callerCpu) / seconds,
  };
  return { calls, findings };
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
