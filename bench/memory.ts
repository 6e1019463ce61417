/**
 * The peak of the inference service's memory under load, and how soon its routes answer meanwhile.
 */
import { readManifest } from '../gpu-backend/model/registry.ts';
import { type BenchOptions, median, type Report } from './report.ts';
import { jobHeaders, startService } from './service.ts';

const CLIENTS = 8;
const JOBS = 40;
const MOST_MEGABYTES = 400;

const METHOD = `The service as a process of its own, with the default configuration. ${CLIENTS} clients ask for ${JOBS} jobs of two texts of 100 to 200 tokens; \
meanwhile /healthz is asked every 5 ms. Peak memory is the process's VmHWM (Linux), answers of /healthz in milliseconds.`;

/** @throws Error where the system does not tell a process's peak memory */
export async function run(options: BenchOptions): Promise<Report> {
  const { id } = await readManifest(options.model);
  const service = await startService(options);
  try {
    const { url } = service;
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
    const peak = service.peakMegabytes();
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
    await service.stop();
  }
}

async function load(url: string, model: string): Promise<void> {
  let next = 0;
  const client = async () => {
    for (let seed = next++; seed < JOBS; seed = next++) {
      const length = { unit: 'tokens', min: 100, max: 200 };
      const body = JSON.stringify({ id: `memory-${seed}`, request: { model, seed, style: 'story', n: 2, length } });
      const response = await fetch(`${url}/generate`, { method: 'POST', headers: await jobHeaders(body), body });
      const text = await response.text();
      if (!response.ok) throw new Error(`the service answered ${response.status}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}
