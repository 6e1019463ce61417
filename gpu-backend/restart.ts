/**
 * What a process can only be told before it starts: it replaces itself once, under its own id.
 *
 * **Memory that is free goes back to the system.** glibc's malloc learns from what is freed: blocks up to 32 MB, which most weights are,
 * soon come from a heap that is kept. A service that unloads models would hold on to nearly all of them (measured: of 620 MB, 30 were
 * given back; with a fixed threshold all but 10). Several engines would each hold on to their largest step, for every thread has a heap of
 * its own (measured with two under load: 55 MB of 690). And V8 doubles the young generation of the sockets' thread after a minute of load
 * (34 MB more) and again after five (72); begun with the size it had in the first, it stays that. A smaller one would hold the sockets up:
 * more would be collected the slow way (turns of 28 to 35 ms, measured).
 *
 * **Engines keep the cores.** V8 collects garbage with up to four threads beside the one that made it, and each collection waits for all
 * of them. Where every core has an engine they wait for each other's turn: with one such thread two engines on two cores get 1.27 times
 * as much done (median of six rounds of `/generate` under load, 0.94 to 1.38; all of it on the engines' own threads: 1.26).
 */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';

const THRESHOLD = 'MALLOC_MMAP_THRESHOLD_';
/** Larger blocks are given back when they are freed. A step's own are smaller, or used again. */
const BYTES = 1 << 20;
/** Megabytes of each half of the young generation; 0 is V8's own choice. */
const SPACES = ['--min-semi-space-size', '--max-semi-space-size'] as const;
/** V8's own choice, where there are cores for them. */
const MOST_COLLECTORS = 4;

/** What a process of several engines, or of models that come and go, is started with. */
export const RESTARTED_WITH = {
  environment: { [THRESHOLD]: String(BYTES) },
  flags: [
    ...SPACES.map((flag) => `${flag}=32` as const),
    `--v8-pool-size=${Math.min(MOST_COLLECTORS, Math.max(1, availableParallelism() >> 1))}`,
  ],
} as const;

/** Starts this process anew where it was not started so; call it before anything is opened. */
export function restartOnce(environment: NodeJS.ProcessEnv = process.env): void {
  if (environment[THRESHOLD] !== undefined) {
    // The young generation of this thread has its size; that of an engine is less (roles/engines.ts), and these flags would go first.
    for (const flag of SPACES) setFlagsFromString(`${flag}=0`);
    return;
  }
  if (process.platform !== 'linux' || process.execve === undefined) return;
  const again = [process.execPath, ...RESTARTED_WITH.flags, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, again, { ...environment, ...RESTARTED_WITH.environment });
}
