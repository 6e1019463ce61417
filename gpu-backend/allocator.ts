/**
 * Memory that is free goes back to the system.
 *
 * glibc's malloc learns from what is freed: blocks up to 32 MB, which most weights are, soon come from a heap that is kept. A service
 * that unloads models would hold on to nearly all of them (measured: of 620 MB, 30 were given back; with a fixed threshold all but
 * 10). Several engines would each hold on to their largest step, for every thread has a heap of its own (measured with two under load:
 * 55 MB of 690). And V8 doubles the young generation of the sockets' thread after a minute of load (34 MB more); begun with its
 * last size, it stays what it is. A smaller one would hold the sockets up: more would be collected the slow way (turns of 28 to 35 ms,
 * measured). Both are fixed before a process starts, so the process replaces itself once, under its own id.
 */

const THRESHOLD = 'MALLOC_MMAP_THRESHOLD_';
/** Larger blocks are given back when they are freed. A step's own are smaller, or used again. */
const BYTES = 1 << 20;

/** What a process that gives memory back is started with. */
export const GIVING_BACK = {
  environment: { [THRESHOLD]: String(BYTES) },
  // Of the sockets' thread; engines have a limit of their own (roles/engines.ts), which is less and holds.
  flags: ['--min-semi-space-size=32'],
} as const;

/** Starts this process anew where it would keep what is freed; call it before anything is opened. */
export function returnFreedMemory(environment: NodeJS.ProcessEnv = process.env): void {
  if (process.platform !== 'linux' || environment[THRESHOLD] !== undefined || process.execve === undefined) return;
  const again = [process.execPath, ...GIVING_BACK.flags, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, again, { ...environment, ...GIVING_BACK.environment });
}
