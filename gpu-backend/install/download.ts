/**
 * One file from the Hub to the disk: streamed, resumed where it broke off, checked against its checksum before it gets its name.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { InstallError } from './failure.ts';
import { authorization, causeOf, fileUrl, type Hub, type HubFile, type HubModel } from './hub.ts';

export interface DownloadOptions {
  readonly hub: Hub;
  readonly model: HubModel;
  /** Where the file goes, under its own path; what is there in part lies beside it as `.part`. */
  readonly folder: string;
  /** Told of bytes as they come, of those that were there before too. */
  readonly onBytes: (count: number) => void;
  /** Waiting time before the first new try; it doubles. */
  readonly retryMs?: number;
  /** Time without a byte after which a connection counts as broken. */
  readonly idleMs?: number;
}

/** Tries in a row that bring no byte. */
const TRIES = 5;

const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/**
 * Downloads `file`, or sees that it is there already. Returns its path.
 * @throws InstallError where the server refuses, the connection stays broken or the bytes are not those the Hub promised
 */
export async function download(file: HubFile, options: DownloadOptions): Promise<string> {
  const path = join(options.folder, file.path);
  const part = `${path}.part`;
  if ((await sizeOf(path)) === file.bytes && (await matches(path, file))) {
    options.onBytes(file.bytes);
    return path;
  }
  await mkdir(dirname(path), { recursive: true });
  let have = await sizeOf(part);
  if (have > file.bytes) {
    await rm(part);
    have = 0;
  }
  options.onBytes(have);
  for (let fruitless = 0; have < file.bytes; ) {
    const before = have;
    const failure = await continueFrom(have, file, part, options).catch((reason: unknown) => {
      if (reason instanceof InstallError) throw reason;
      return reason;
    });
    have = await sizeOf(part);
    if (have >= file.bytes) break;
    fruitless = have > before ? 0 : fruitless + 1;
    if (fruitless === TRIES) {
      throw new InstallError(
        `${file.path}: the connection broke ${TRIES} times without a byte (${failure === undefined ? 'it ended early' : causeOf(failure)}). ` +
          `What came is kept in ${part}; the same command goes on from there.`,
      );
    }
    await wait((options.retryMs ?? 1000) * 2 ** fruitless);
  }
  if (file.bytes === 0) await (await open(part, 'a')).close();
  if (!(await matches(part, file))) {
    await rm(part);
    throw new InstallError(
      `${file.path}: the bytes that came do not have the checksum that the Hub gives; they were removed.`,
    );
  }
  await rename(part, path);
  return path;
}

/** Appends what is missing to `part`, as far as the connection holds. */
async function continueFrom(have: number, file: HubFile, part: string, options: DownloadOptions): Promise<void> {
  const { hub, model, onBytes, idleMs = 60_000 } = options;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error(`no byte for ${idleMs / 1000} s`)), idleMs);
  try {
    const response = await fetch(fileUrl(hub, model, file.path), {
      headers: { ...authorization(hub), ...(have > 0 ? { range: `bytes=${have}-` } : {}) },
      signal: stop.signal,
    });
    if (response.status >= 400 && response.status < 500 && response.status !== 429 && response.status !== 408) {
      throw new InstallError(`${file.path}: ${hub.endpoint} answered HTTP ${response.status}.`);
    }
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    // A server that knows no ranges sends the whole file again.
    const resumed = response.status === 206;
    if (resumed && !response.headers.get('content-range')?.startsWith(`bytes ${have}-`)) {
      throw new Error(`the server sent ${response.headers.get('content-range')}, not from byte ${have} on`);
    }
    if (have > 0 && !resumed) onBytes(-have);
    const handle = await open(part, resumed ? 'a' : 'w');
    try {
      for await (const chunk of response.body) {
        timer.refresh();
        await handle.write(chunk);
        onBytes(chunk.length);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a file has the size and the checksum that the Hub gives for it. */
async function matches(path: string, { bytes, sha256, blob }: HubFile): Promise<boolean> {
  if ((await sizeOf(path)) !== bytes) return false;
  if (sha256 === undefined && blob === undefined) return true;
  const hash = createHash(sha256 === undefined ? 'sha1' : 'sha256');
  if (sha256 === undefined) hash.update(`blob ${bytes}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex') === (sha256 ?? blob);
}
