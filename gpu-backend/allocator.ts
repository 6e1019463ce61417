/**
 * Memory of a model that was unloaded goes back to the system.
 *
 * glibc's malloc learns from what is freed: blocks up to 32 MB, which most weights are, soon come from a heap that is kept. A service
 * that unloads models would hold on to nearly all of them (measured: of 620 MB, 30 were given back; with a fixed threshold all but
 * 10). The threshold is fixed before a process starts, so the process replaces itself once, under its own id.
 */

const THRESHOLD = 'MALLOC_MMAP_THRESHOLD_';
/** Larger blocks are given back when they are freed. A step's own are smaller, or used again. */
const BYTES = 1 << 20;

/** Starts this process anew where its allocator would keep what is freed; call it before anything is opened. */
export function returnFreedMemory(environment: NodeJS.ProcessEnv = process.env): void {
  if (process.platform !== 'linux' || environment[THRESHOLD] !== undefined || process.execve === undefined) return;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, again, { ...environment, [THRESHOLD]: String(BYTES) });
}
