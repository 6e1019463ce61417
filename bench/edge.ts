/**
 * What the edge adds to a request: the same job sent directly to a fixed service, and through the edge in workerd, in pairs.
 */
import { createCaller, type Send } from './edge-caller.ts';
import { startEdge } from './edge-processes.ts';
import type { Bar, BenchOptions, Report, Row } from './report.ts';

const WARM_UP_ROUNDS = 150;
const ROUNDS = 1_000;
const CALLERS = [1, 8, 32];
/** Of one row of throughput. */
const LOAD_MS = 2_000;

const METHOD =
  'A fixed service in a process of its own answers every job at once with the recorded events of one text (46 positions, 16 steps, 4 KB). ' +
  'The edge is the deployed bundle in workerd (Miniflare), asked on its own socket, with local D1, KV, Durable Objects, Queue and cache on ' +
  'disk. Each round sends one request each way, in random order, one after the other, over kept connections of node:http; warm-up is dropped. ' +
  'direct: a signed job, its events read to their end. full: key, validation, constraint, rate limit, hold, service, answer as JSON, ' +
  'settling behind it; without a seed, so that nothing can be kept. miss: with a seed that nobody had, so that both caches are looked in and ' +
  'the answer is kept. hit: an answer that is kept. stream: as full, as steps. p50, p90 and p99 are milliseconds from the first byte sent to the ' +
  'last byte read, added those of the differences to direct in the same round. per_s_N: requests a second with N callers who ask without a ' +
  'pause. Client, service and edge share the machine, so throughput is a lower bound.';

const REQUEST = {
  style: 'product',
  prompt: 'a warm blanket',
  length: { unit: 'characters', min: 60, max: 160 },
} as const;

type Way = 'direct' | 'full' | 'miss' | 'hit' | 'stream';

/** Sends one request some way; rejects where the answer is none. */
type Ask = () => Promise<void>;

function waysOf(backend: Send, edge: Send, key: string): Record<Way, Ask> {
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

/** Milliseconds of each way, round by round. */
async function pairs(ways: Readonly<Record<Way, Ask>>): Promise<Record<Way, number[]>> {
  const names = Object.keys(ways) as Way[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Way, number[]>;
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const order = names.map((name) => ({ name, at: Math.random() })).sort((a, b) => a.at - b.at);
    for (const { name } of order) {
      const time = await timed(ways[name]);
      if (round >= 0) times[name].push(time);
    }
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

async function rowOf(way: Way, ask: Ask, times: Readonly<Record<Way, readonly number[]>>): Promise<Row> {
  const added = times[way].map((time, round) => time - times.direct[round]);
  const row: Record<string, string | number> = { way };
  for (const [name, share] of [
    ['p50', 0.5],
    ['p90', 0.9],
    ['p99', 0.99],
  ] as const) {
    row[name] = hundredths(quantile(times[way], share));
    row[`added_${name}`] = way === 'direct' ? 0 : hundredths(quantile(added, share));
  }
  for (const callers of CALLERS) row[`per_s_${callers}`] = await throughput(ask, callers);
  return row;
}

function atMost(what: string, value: number, bound: number): Bar {
  return { what, value, bound: `at most ${bound}`, holds: value <= bound };
}

export async function run(_options: BenchOptions): Promise<Report> {
  const processes = await startEdge();
  const [backend, edge] = [createCaller(processes.backendUrl), createCaller(processes.edgeUrl)];
  try {
    const ways = waysOf(backend.send, edge.send, processes.key);
    // Kept in the background: asked for until it is there.
    await ways.hit().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const times = await pairs(ways);
    const rows: Row[] = [];
    for (const way of Object.keys(ways) as Way[]) rows.push(await rowOf(way, ways[way], times));
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
    backend.close();
    edge.close();
    processes.stop();
  }
}
