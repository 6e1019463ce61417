/**
 * Is there room for what is about to be written?
 */
import { statfs } from 'node:fs/promises';
import { InstallError } from './failure.ts';
import { readableBytes } from './progress.ts';

/** @throws InstallError where fewer than `bytes` are free on the file system of `folder` */
export async function checkRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new InstallError(
    `${readableBytes(bytes)} are needed in ${folder}, ${readableBytes(free)} are free. --precision int4 needs least, --to FOLDER goes elsewhere.`,
  );
}
