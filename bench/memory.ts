/**
 * The peak of the inference service's memory under load, and how soon its routes answer meanwhile.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readManifest } from '../gpu-backend/model/registry.ts';
import { signRequest } from '../shared/contract/signature.ts';
import { type BenchOptions, median, type Report } from './report.ts';

const SECRET = 'the secret of a service that lives for one bench';
const CLIENTS = 8;
const JOBS = 40;
const MOST_MEGABYTES = 400;

const METHOD = `The service as a process of its own, with the default configuration. ${CLIENTS} clients ask for ${JOBS} jobs of two texts of 100 to 200 tokens; \
meanwhile /healthz is asked every 5 ms. Peak memory is the process's VmHWM (Linux), answers of /healthz in milliseconds.`;

/** @throws Error where the system does not tell a process's peak memory */
export async function run({ model, threads, cacheFolder }: BenchOptions): Promise<Report> {
  if (process.platform !== 'linux') throw new Error('peak memory is read from /proc, which Linux has');
  const { id } = await readManifest(model);
  const service = spawn(process.execPath, [fileURLToPath(new URL('../gpu-backend/main.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      MASKWRIGHT_SECRET: SECRET,
      MASKWRIGHT_BACKEND_PORT: '0',
      MASKWRIGHT_MODELS: model,
      MASKWRIGHT_THREADS: String(threads),
      MASKWRIGHT_CACHE: cacheFolder,
    },
  });
  try {
    const url = await readyUrl(service.stdout);
    const waits: number[] = [];
    let loaded = true;
    const probing = (async () => {
      while (loaded) {
        const started = performance.now();
        await (await fetch(`${url}/healthz`)).text();
        waits.push(performance.now() - started);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await load(url, id);
    loaded = false;
    await probing;
    const peak = peakMegabytes(service.pid!);
    waits.sort((a, b) => a - b);
    const row = {
      peak_megabytes: peak,
      healthz_p50_ms: median(waits),
      healthz_p99_ms: waits[Math.floor(0.99 * waits.length)],
      probes: waits.length,
    };
    const bar = { what: 'peak memory of the service, MB', value: peak, bound: `at most ${MOST_MEGABYTES}` };
    return { bench: 'memory', method: METHOD, rows: [row], bars: [{ ...bar, holds: peak <= MOST_MEGABYTES }] };
  } finally {
    service.kill('SIGTERM');
    await once(service, 'exit');
  }
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

async function load(url: string, model: string): Promise<void> {
  let next = 0;
  const client = async () => {
    for (let seed = next++; seed < JOBS; seed = next++) {
      const length = { unit: 'tokens', min: 100, max: 200 };
      const body = JSON.stringify({ id: `memory-${seed}`, request: { model, seed, style: 'story', n: 2, length } });
      const signed = await signRequest(SECRET, { method: 'POST', path: '/generate', body });
      const headers = { 'content-type': 'application/json', ...signed };
      const response = await fetch(`${url}/generate`, { method: 'POST', headers, body });
      const text = await response.text();
      if (!response.ok) throw new Error(`the service answered ${response.status}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

function peakMegabytes(pid: number): number {
  const [, kilobytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmHWM:\s+(\d+) kB/) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}
