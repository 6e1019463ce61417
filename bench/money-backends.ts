/** Inference services as processes that are killed at random moments and started again where they were. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobWork } from '../shared/contract/job-work.ts';
import { signRequest } from '../shared/contract/signature.ts';
import { type RoleProcess, SECRET, startRole } from './chaos-processes.ts';

export interface MoneyBackendsOptions {
  readonly count: number;
  readonly model: string;
  readonly threads: number;
  readonly cacheFolder: string;
  /** Mean of the times between two kills. */
  readonly killEveryMs: number;
  readonly random: () => number;
}

export interface MoneyBackends {
  readonly urls: readonly string[];
  readonly secret: string;
  /** Resolves when all take work. */
  readonly ready: Promise<unknown>;
  readonly kills: number;
  /** Begins to kill. */
  disturb(): void;
  /** Kills no more; resolves when all are ready. */
  calm(): Promise<void>;
  /** What each that lives says for itself of a job. */
  accounts(job: string, owner: string): Promise<JobWork[]>;
  /** What a service, dead or alive, has logged of a job at its end. */
  logged(job: string): readonly LoggedJob[];
  stop(): Promise<void>;
}

/** The line of a job that has ended. */
export interface LoggedJob {
  readonly request: string;
  /** Its texts; positions and steps are those of all. */
  readonly n: number;
  readonly positions: number;
  readonly steps: number;
  readonly outcome: string;
}

/** Starts them and waits until all listen. */
export async function startMoneyBackends(options: MoneyBackendsOptions): Promise<MoneyBackends> {
  const { count, killEveryMs, random, ...shared } = options;
  const all: RoleProcess[] = [];
  const start = async (port: string) => {
    // A bench is no interactive load: all of it may wait.
    const environment = { MASKWRIGHT_BACKEND_PORT: port, MASKWRIGHT_WAITING_S: '3600' };
    const started = await startRole('service', { ...shared, environment });
    all.push(started);
    return started;
  };
  const now = await Promise.all(Array.from({ length: count }, () => start('0')));
  const urls = now.map(({ url }) => url);
  const over = new AbortController();
  let kills = 0;
  let disturbing: Promise<unknown> = Promise.resolve();

  /** One after the other, so that there are moments without any, and most of the time there is one. */
  async function disturbOne(at: number): Promise<void> {
    while (!over.signal.aborted) {
      const pause = -Math.log(1 - random()) * killEveryMs * count;
      await sleep(pause, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) return;
      now[at].child.kill('SIGKILL');
      kills++;
      await now[at].ended;
      now[at] = await start(new URL(urls[at]).port);
      await now[at].ready;
    }
  }

  return {
    ...{ urls, secret: SECRET, ready: Promise.all(now.map(({ ready }) => ready)) },
    get kills() {
      return kills;
    },
    disturb() {
      disturbing = Promise.all(urls.map((_, at) => disturbOne(at)));
    },
    async calm() {
      over.abort();
      await disturbing;
    },
    async accounts(job, owner) {
      const path = `/jobs/${job}/work?${new URLSearchParams({ owner })}`;
      const answers = await Promise.all(
        urls.map(async (url) => {
          const headers = { ...(await signRequest(SECRET, { method: 'GET', path, body: '' })) };
          const response = await fetch(url + path, { headers });
          const body: unknown = await response.json();
          return response.ok ? [body as JobWork] : [];
        }),
      );
      return answers.flat();
    },
    logged: (job) =>
      all.flatMap(({ log }) =>
        log.filter((line) => line.includes(job) && line.includes('"job ended"')).map((line) => JSON.parse(line)),
      ),
    async stop() {
      over.abort();
      await disturbing.catch(() => {});
      for (const { child } of all) child.kill('SIGKILL');
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
