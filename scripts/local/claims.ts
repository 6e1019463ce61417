/** Which run of this checkout owns which folder of .local/: a file with its process id, made exclusively. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Takes a folder for this process and empties it. False when a living process has it. */
export function claimFolder(folder: string): boolean {
  const owner = `${folder}.pid`;
  mkdirSync(join(folder, '..'), { recursive: true });
  try {
    writeFileSync(owner, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const pid = readOwner(owner);
    if (pid !== process.pid && isAlive(pid)) return false;
    // Left behind by a run that was killed.
    rmSync(owner, { force: true });
    return claimFolder(folder);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return true;
}

/** Gives a folder up, and removes it unless its contents are to be kept. */
export function releaseFolder(folder: string, { keep }: { readonly keep: boolean }): void {
  if (!keep) rmSync(folder, { recursive: true, force: true });
  rmSync(`${folder}.pid`, { force: true });
}

function readOwner(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is a living one.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
