/**
 * SHA-256 of large files, computed once: kept beside the other derived files, by path, size and time of change.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Writes `data` to `path` so that a reader sees the old content or the new, never a part. */
export async function writeAtomically(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = temporaryName(path);
  await writeFile(temporary, data);
  await rename(temporary, path);
}

/** A name beside `path` that no other writer uses. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
}

/**
 * Hexadecimal SHA-256 of `path`; read from `cacheFolder`, if there is one, where this very file was hashed before. `seen` is told
 * the bytes read so far.
 */
export async function fileSha256(path: string, cacheFolder?: string, seen?: (bytes: number) => void): Promise<string> {
  if (cacheFolder === undefined) return hashFile(path, seen);
  const { size, mtimeMs } = await stat(path);
  const key = createHash('sha256')
    .update(`${resolve(path)}\n${size}\n${mtimeMs}`)
    .digest('hex')
    .slice(0, 32);
  const record = join(cacheFolder, 'checksums', key);
  const known = await readFile(record, 'utf8').catch(() => '');
  if (/^[0-9a-f]{64}$/.test(known)) return known;
  const digest = await hashFile(path, seen);
  await mkdir(join(cacheFolder, 'checksums'), { recursive: true });
  await writeAtomically(record, digest);
  return digest;
}

/** Hexadecimal SHA-256 of `path`, read now; `seen` is told the bytes read so far. */
export async function hashFile(path: string, seen: (bytes: number) => void = () => {}): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    bytes += chunk.length;
    seen(bytes);
  }
  return hash.digest('hex');
}
