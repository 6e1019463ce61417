/**
 * The jobs an engine has been given and what is left of them, as whoever gives them out counts it.
 */

/** One job. */
export interface Share {
  /** One of its texts is finished. */
  finished(): void;
  /** Its reader is away or behind, so that it takes no time; or he wants more again. */
  rest(resting: boolean): void;
  /** It has ended. */
  leave(): void;
}

export interface Shares {
  /** Work that is left, without that of jobs that rest. */
  readonly work: number;
  /** Texts that are not finished, without those of jobs that rest. */
  readonly texts: number;
  /** @param work of all texts together, in any unit */
  add(work: number, texts: number): Share;
}

export function createShares(): Shares {
  const jobs = new Set<{ readonly each: number; texts: number; resting: boolean }>();
  const sum = (of: (job: { readonly each: number; readonly texts: number }) => number) =>
    [...jobs].reduce((all, job) => all + (job.resting ? 0 : of(job)), 0);
  return {
    get work() {
      return sum(({ each, texts }) => each * texts);
    },
    get texts() {
      return sum(({ texts }) => texts);
    },
    add(work, texts) {
      const job = { each: work / texts, texts, resting: false };
      jobs.add(job);
      return {
        finished: () => {
          job.texts--;
        },
        rest: (resting) => {
          job.resting = resting;
        },
        leave: () => {
          jobs.delete(job);
        },
      };
    },
  };
}
