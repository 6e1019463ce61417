/**
 * The inference service as a process of its own, configured as it is by default but for what is asked for, and what the system says of that process (Linux).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { RESTARTED_WITH } from '../gpu-backend/restart.ts';
import { signRequest } from '../shared/contract/signature.ts';
import type { Blocks } from './longest-block.ts';
import type { BenchOptions } from './report.ts';

const SECRET = 'the secret of a service that lives for one bench';
/** Clock ticks of a second in /proc; the same on every Linux that Node runs on. */
const TICKS = 100;
const NOT_LINUX = 'memory and processor time of a process are read from /proc, which Linux has';

export interface ServiceProcess {
  readonly url: string;
  /** For how long the thread of the sockets was held up at most, since this was last asked. */
  blocks(): Promise<Blocks>;
  /** VmHWM. */
  peakMegabytes(): number;
  residentMegabytes(): number;
  /** Processor time of all its threads. */
  cpuSeconds(): number;
  /** Tells it to end, and says how it did: the exit code. */
  stop(): Promise<number | null>;
}

export interface ServiceOptions extends Pick<BenchOptions, 'model' | 'cacheFolder'> {
  readonly engines?: number;
  /** Of each engine. */
  readonly threads?: number;
}

/** Starts the service and waits until it is ready. @throws Error where the system is not Linux */
export async function startService({ model, cacheFolder, engines, threads }: ServiceOptions): Promise<ServiceProcess> {
  if (process.platform !== 'linux') throw new Error(NOT_LINUX);
  const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  // One that replaces itself loses the channel to us: it is started as it would start itself.
  const { flags, environment } = (engines ?? 1) > 1 ? RESTARTED_WITH : { flags: [], environment: {} };
  const parameters = [...flags, '--import', path('longest-block.ts'), path('../gpu-backend/main.ts')];
  const child = spawn(process.execPath, parameters, {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MASKWRIGHT_'))),
      ...environment,
      MASKWRIGHT_SECRET: SECRET,
      MASKWRIGHT_BACKEND_PORT: '0',
      MASKWRIGHT_MODELS: model,
      MASKWRIGHT_CACHE: cacheFolder,
      ...(engines === undefined ? {} : { MASKWRIGHT_ENGINES: String(engines) }),
      ...(threads === undefined ? {} : { MASKWRIGHT_THREADS: String(threads) }),
    },
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const statusOf = (name: string) => {
    const [, kilobytes] =
      readFileSync(`/proc/${child.pid}/status`, 'utf8').match(new RegExp(`${name}:\\s+(\\d+) kB`)) ?? [];
    return Number(kilobytes) / 1024;
  };
  return {
    url: await readyUrl(child.stdout!),
    async blocks() {
      child.send('longest block');
      const [blocks] = await once(child, 'message');
      return blocks as Blocks;
    },
    peakMegabytes: () => Math.round(statusOf('VmHWM')),
    residentMegabytes: () => statusOf('VmRSS'),
    cpuSeconds() {
      // Behind the name in brackets, which may hold anything: user and system time are the 12th and 13th field.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS;
    },
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** The service's address, once its log says that it is ready. */
async function readyUrl(log: NodeJS.ReadableStream): Promise<string> {
  let url = '';
  for await (const line of createInterface({ input: log })) {
    const entry = JSON.parse(line) as { msg: string; url?: string };
    if (entry.msg === 'listening') url = entry.url ?? '';
    if (entry.msg !== 'ready') continue;
    log.resume(); // nobody reads on, and a full pipe would stop the service
    return url;
  }
  throw new Error('the service ended before it was ready');
}

/** The headers of a job that is sent to a service that was started here. */
export async function jobHeaders(body: string): Promise<Record<string, string>> {
  const signed = await signRequest(SECRET, { method: 'POST', path: '/generate', body });
  return { 'content-type': 'application/json', ...signed };
}
