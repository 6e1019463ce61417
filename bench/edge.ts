/**
 * What the edge adds to a request: the same job sent directly to a fixed service, and through the edge in workerd, in pairs.
 */
import { createCaller, type Send } from './edge-caller.ts';
import { startEdge } from './edge-processes.ts';
import type { Bar, BenchOptions, Report, Row } from './report.ts';

/** Pairs of one way before it is another one's turn, and how often each has its turn. */
const ROUNDS = 50;
const BLOCKS = 20;
/** V8 goes on making the Worker faster for some thousand requests. */
const WARM_UP_BLOCKS = 20;
const CALLERS = [1, 8, 32];
/** Of one row of throughput. */
const LOAD_MS = 2_000;

const METHOD =
  'A fixed service in a process of its own answers every job at once with the recorded events of one text (46 positions, 16 steps, 4 KB). ' +
  'The edge is the deployed bundle in workerd (Miniflare), asked on its own socket, with local D1, KV, Durable Objects, Queue and cache on ' +
  'disk. Each way is measured in pairs with the direct one, in random order, one request after the other, over kept connections of node:http. ' +
  `The ways take turns, ${ROUNDS} pairs each; ${WARM_UP_BLOCKS} turns are dropped, as until then the Worker is still being compiled, and ${BLOCKS} count. ` +
  'direct: a job, its events read to their end. bare: a Worker of a few lines that writes a row to a Durable Object, passes the answer of the ' +
  'service on and deletes the row behind it: the least that holding money takes here. full: key, validation, constraint, rate limit, hold, service, answer as JSON, ' +
  'settling behind it; without a seed, so that nothing can be kept. miss: with a seed that nobody had, so that both caches are looked in and ' +
  'the answer is kept. hit: an answer that is kept. stream: as full, as steps. p50, p90 and p99 are milliseconds from the first byte sent to the ' +
  'last byte read, added those of the differences in the pairs; of_blocks: least and most of the turns. per_s_N: requests a second with N callers who ask without a ' +
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

/** Milliseconds of a way and of the direct one beside it. */
type Pair = readonly [way: number, direct: number];

async function pairOf(way: Ask, direct: Ask): Promise<Pair> {
  if (Math.random() < 0.5) return [await timed(way), await timed(direct)];
  const first = await timed(direct);
  return [await timed(way), first];
}

/** All ways in turns, so that a time in which the machine is busy with something else is the same for all of them. */
async function pairsOf(ways: Record<Way, Ask>): Promise<Record<Way, readonly Pair[]>> {
  const names = Object.keys(ways) as Way[];
  const pairs = Object.fromEntries(names.map((name) => [name, [] as Pair[]])) as Record<Way, Pair[]>;
  for (let block = -WARM_UP_BLOCKS; block < BLOCKS; block++) {
    for (const name of names) {
      for (let round = 0; round < ROUNDS; round++) {
        const pair = await pairOf(ways[name], ways.direct);
        if (block >= 0) pairs[name].push(pair);
      }
    }
  }
  return pairs;
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

async function rowOf(way: Way, ask: Ask, times: readonly Pair[]): Promise<Row> {
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
  const blocks = Array.from({ length: BLOCKS }, (_, i) =>
    hundredths(quantile(added.slice(i * ROUNDS, (i + 1) * ROUNDS), 0.5)),
  );
  row.added_p50_of_blocks = `${Math.min(...blocks)}..${Math.max(...blocks)}`;
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
    const pairs = await pairsOf(ways);
    const rows: Row[] = [];
    for (const way of Object.keys(ways) as Way[]) rows.push(await rowOf(way, ways[way], pairs[way]));
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
