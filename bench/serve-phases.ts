/**
 * One caller alone and many, by turns, then many for long, and the service told to end while they go on.
 *
 * How fast a machine is changes from minute to minute, so what is compared is measured in rounds: a stretch of each, one behind the other.
 */

import type { ModelSummary } from '../shared/contract/manifest.ts';
import { type Call, type Callers, createCallers } from './serve-caller.ts';
import { type MixedRequest, mixOf } from './serve-mix.ts';
import { type Phase, phase, startTraffic } from './serve-traffic.ts';
import { startWatching, type Watched } from './serve-watch.ts';
import type { ServiceProcess } from './service.ts';

export interface Load {
  readonly callers: number;
  /** Of the long load. In the rounds before it one caller alone has a third as long at each service, and many have too. */
  readonly seconds: number;
  readonly rounds: number;
  /** Tokens of the longest texts. */
  readonly longest: number;
}

/** A stretch of each, one behind the other. */
export interface Round {
  /** One caller alone at the service as it is by default. */
  readonly usual: Phase;
  /** One caller alone at the service that then has many. */
  readonly alone: Phase;
  readonly many: Phase;
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
  readonly rounds: readonly Round[];
  readonly load: Phase;
  readonly watched: Watched;
  readonly ending: Ending;
}

/** As many different jobs as one caller alone never gets through. */
const JOBS = 600;
/** Share of the load's time before anything is measured: the just-in-time compiler's. */
const WARM_UP = 1 / 12;
/** Share of a stretch until many callers no longer all begin at once. */
const RAMP = 1 / 4;
/** Share of the load's time before it is measured: a job goes to one of the engines, and each keeps ready what it may keep. */
const LOAD_WARM_UP = 1 / 3;

const pause = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, 1_000 * seconds));

/** A service and those who call it: each stretch of a kind of traffic goes on where the last one was. */
interface Called {
  readonly service: ServiceProcess;
  readonly callers: Callers;
  readonly jobs: readonly MixedRequest[];
}

/**
 * Measures two services that were just started; both have ended afterwards.
 * @param usual the service as it is by default
 * @param service the one that is put under load
 */
export async function measure(usual: ServiceProcess, service: ServiceProcess, load: Load): Promise<Measured> {
  const [model] = (await (await fetch(`${service.url}/models`)).json()) as ModelSummary[];
  const jobs = mixOf(model, JOBS, load.longest);
  const byDefault: Called = { service: usual, callers: createCallers(usual.url, 2), jobs };
  const loaded: Called = { service, callers: createCallers(service.url, load.callers), jobs };
  for (const called of [byDefault, loaded]) await warmUp(called, load);
  const rounds = await takeTurns(byDefault, loaded, load);
  byDefault.callers.close();
  await usual.stop();

  // What one caller alone has had, so that every text can be compared.
  const known = rounds.flatMap(({ alone }) => alone.calls.map(({ request }) => request));
  const traffic = startTraffic(loaded.callers, known, 'load', load.callers);
  await pause(load.seconds * LOAD_WARM_UP);
  const watching = startWatching(service);
  const long = await phase(service, traffic, () => pause(load.seconds));
  const watched = await watching.stop();

  const before = traffic.calls.length;
  const ending = await end(service, () => traffic.stop());
  loaded.callers.close();
  return { rounds, load: long, watched, ending: { ...ending, calls: traffic.calls.slice(before) } };
}

async function warmUp({ callers, jobs }: Called, { seconds }: Load): Promise<void> {
  const warming = startTraffic(callers, jobs, 'warm-up', 2);
  await pause(seconds * WARM_UP);
  await warming.stop();
}

/** The rounds; every other one goes backwards, so that nobody always comes behind the many. */
async function takeTurns(byDefault: Called, loaded: Called, { callers, seconds, rounds }: Load): Promise<Round[]> {
  const stretch = seconds / 3 / rounds;
  const usual = stretches(byDefault, 'usual', 1, stretch);
  const alone = stretches(loaded, 'alone', 1, stretch);
  const many = stretches(loaded, 'many', callers, stretch);
  const measured: Round[] = [];
  while (measured.length < rounds) {
    if (measured.length % 2 === 0) {
      measured.push({ usual: await usual(), alone: await alone(), many: await many() });
    } else {
      const last = await many();
      const middle = await alone();
      measured.push({ usual: await usual(), alone: middle, many: last });
    }
  }
  return measured;
}

/** Stretches of one kind of traffic, each with the jobs behind those that the last one came to. */
function stretches({ service, callers, jobs }: Called, name: string, count: number, seconds: number) {
  let first = 0;
  return async (): Promise<Phase> => {
    const traffic = startTraffic(callers, jobs, name, count, first);
    if (count > 1) await pause(seconds * RAMP);
    const measured = await phase(service, traffic, async () => {
      await pause(seconds);
      // One caller's last job belongs to it; of many, most are always under way.
      if (count === 1) await traffic.stop();
    });
    await traffic.stop();
    first += traffic.calls.length;
    return measured;
  };
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
