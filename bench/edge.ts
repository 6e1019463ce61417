/**
 * What the edge adds to a request: the same job sent directly to a fixed service, and through the edge in workerd, in pairs.
 */
import { createCaller, type Send } from './edge-caller.ts';
import { startEdge } from './edge-processes.ts';
import type { Bar, BenchOptions, Report, Row } from './report.ts';

const WARM_UP_ROUNDS = 150;
const ROUNDS = 600;
const CALLERS = [1, 8, 32];
/** Of one row of throughput. */
const LOAD_MS = 2_000;

const METHOD =
  'A fixed service in a process of its own answers every job at once with the recorded events of one text (46 positions, 16 steps, 4 KB). ' +
  'The edge is the deployed bundle in workerd (Miniflare), asked on its own socket, with local D1, KV, Durable Objects, Queue and cache on ' +
  'disk. Each way is measured in pairs with the direct one, in random order, one request after the other, over kept connections of node:http; warm-up ' +
  'is dropped. ' +
  'direct: a job, its events read to their end. bare: a Worker of a few lines that writes a row to a Durable Object, passes the answer of the ' +
  'service on and deletes the row behind it: the least that holding money takes here. full: key, validation, constraint, rate limit, hold, service, answer as JSON, ' +
  'settling behind it; without a seed, so that nothing can be kept. miss: with a seed that nobody had, so that both caches are looked in and ' +
  'the answer is kept. hit: an answer that is kept. stream: as full, as steps. p50, p90 and p99 are milliseconds from the first byte sent to the ' +
  'last byte read, added those of the differences in the pairs. per_s_N: requests a second with N callers who ask without a ' +
  'pause. Client, service and edge share the machine, so throughput is a lower bound.';

const REQUEST = {
  style: 'product',
  prompt: 'a warm blanket',
  length: { unit: 'characters', min: 60, max: 160 },
} as const;

type Way = 'direct' | 'bare' | 'full' | 'miss' | 'hit' | 'stream';

/** Sends one request some way; rejects where the answer is none. */
type Ask = () => Promise<void>;

function waysOf(backend: Send, bare: Send, edge: Send, key: string): Record<Way, Ask> {
  let jobs = 0;
  let seeds = 1;
  const through = async (more: object, cacheStatus: RegExp) => {
    const answer = await edge(
      '/v1/generations',
      { authorization: `Bearer ${key}` },
      JSON.stringify({ ...REQUEST, ...more }),
    );
    const cached = String(answer.headers['cache-status']);
    if (answer.status !== 200 || !cacheStatus.test(cached)) {
      throw new Error(`status ${answer.status}, ${cached}: ${answer.body.slice(0, 300)}`);
    }
  };
  return {
    async direct() {
      const job = {
        id: `gen_${String(jobs++).padStart(24, '0')}`,
        request: { ...REQUEST, model: 'maskwright-small', seed: 1 },
      };
      const answer = await backend('/generate', {}, JSON.stringify(job));
      if (answer.status !== 200) throw new Error(`the service answered with status ${answer.status}`);
    },
    async bare() {
      const answer = await bare('/', {}, JSON.stringify(REQUEST));
      if (answer.status !== 200) throw new Error(`the bare Worker answered with status ${answer.status}`);
    },
    full: () => through({}, /fwd=bypass/),
    miss: () => through({ seed: seeds++ }, /fwd=uri-miss/),
    hit: () => through({ seed: 0 }, /hit/),
    stream: () => through({ stream: 'steps' }, /fwd=bypass/),
  };
}

async function timed(ask: Ask): Promise<number> {
  const start = performance.now();
  await ask();
  return performance.now() - start;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))];
}

const hundredths = (value: number) => Math.round(value * 100) / 100;

/** Milliseconds of a way and of the direct one beside it, round by round. */
async function pairs(way: Ask, direct: Ask): Promise<readonly (readonly [way: number, direct: number])[]> {
  const times: [number, number][] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    let pair: [number, number];
    if (Math.random() < 0.5) pair = [await timed(way), await timed(direct)];
    else {
      const first = await timed(direct);
      pair = [await timed(way), first];
    }
    if (round >= 0) times.push(pair);
  }
  return times;
}

/** Requests a second of so many callers who ask without a pause. */
async function throughput(ask: Ask, callers: number): Promise<number> {
  const start = performance.now();
  let answered = 0;
  const caller = async () => {
    while (performance.now() - start < LOAD_MS) {
      await ask();
      answered++;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return Math.round(answered / ((performance.now() - start) / 1_000));
}

async function rowOf(way: Way, ask: Ask, direct: Ask): Promise<Row> {
  const times = await pairs(ask, direct);
  const own = times.map(([time]) => time);
  const added = times.map(([time, beside]) => time - beside);
  const row: Record<string, string | number> = { way };
  for (const [name, share] of [
    ['p50', 0.5],
    ['p90', 0.9],
    ['p99', 0.99],
  ] as const) {
    row[name] = hundredths(quantile(own, share));
    row[`added_${name}`] = hundredths(quantile(added, share));
  }
  for (const callers of CALLERS) row[`per_s_${callers}`] = await throughput(ask, callers);
  return row;
}

function atMost(what: string, value: number, bound: number): Bar {
  return { what, value, bound: `at most ${bound}`, holds: value <= bound };
}

export async function run(_options: BenchOptions): Promise<Report> {
  const processes = await startEdge();
  const { backendUrl, bareUrl, edgeUrl, key } = processes;
  const [backend, bare, edge] = [backendUrl, bareUrl, edgeUrl].map(createCaller);
  try {
    const ways = waysOf(backend.send, bare.send, edge.send, key);
    // Kept in the background: asked for until it is there.
    await ways.hit().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const rows: Row[] = [];
    for (const way of Object.keys(ways) as Way[]) rows.push(await rowOf(way, ways[way], ways.direct));
    const of = (way: Way) => rows.find((row) => row.way === way) as Row;
    return {
      bench: 'edge',
      method: METHOD,
      rows,
      bars: [
        atMost('full: added p50, milliseconds', Number(of('full').added_p50), 1.8),
        atMost('hit: p50, milliseconds', Number(of('hit').p50), 1.5),
      ],
    };
  } finally {
    for (const caller of [backend, bare, edge]) caller.close();
    processes.stop();
  }
}
