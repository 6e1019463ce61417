/**
 * The API against its own document: random requests of every operation to a whole local run, and every answer held against what the
 * document says of it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startServices } from '../scripts/local/services.ts';
import { describeApi } from '../scripts/openapi/api.ts';
import { createAudit } from './fuzz/audit.ts';
import { type FuzzRequest, type Known, operationsOf, randomRequest } from './fuzz/requests.ts';
import { createDice } from './fuzz/values.ts';
import type { BenchOptions, Report } from './report.ts';

const REQUESTS = 5_000;
const CALLERS = 8;
/** Ids that are remembered of each kind. */
const REMEMBERED = 20;

export const METHOD = `${REQUESTS} requests to a local run with all its parts (workerd, D1, KV, Durable Objects, queue, the inference \
service with the shipped model; a stand-in for Stripe), ${CALLERS} at a time. Operation, parameters and body are drawn from the OpenAPI document by a seed: three \
fifths of the bodies have the described shape, the rest is mutated, cut off or anything. Every answer is validated against the schema of its \
status by ajv, streams event by event.`;

export interface Fuzzed {
  readonly requests: number;
  /** By status. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly operations: ReadonlySet<string>;
  /** What was not as described, with the request. */
  readonly undescribed: readonly string[];
  readonly serverErrors: readonly string[];
}

export async function run(_options: BenchOptions): Promise<Report> {
  const document = describeApi();
  const { statuses, operations, undescribed, serverErrors, requests } = await fuzz(REQUESTS, 1);
  for (const line of [...serverErrors, ...undescribed].slice(0, 20)) console.error(line);
  const none = (what: string, found: readonly string[]) => ({
    what,
    value: found.length,
    bound: 'exactly 0',
    holds: found.length === 0,
  });
  const all = operationsOf(document).length;
  return {
    bench: 'fuzz',
    method: METHOD,
    rows: [...statuses].sort(([a], [b]) => a - b).map(([status, answers]) => ({ status, answers })),
    bars: [
      none('answers of a status from 500 on', serverErrors),
      none('answers outside their schema', undescribed),
      {
        what: `operations tried, of ${all}`,
        value: operations.size,
        bound: `exactly ${all}`,
        holds: operations.size === all,
      },
      { what: 'requests', value: requests, bound: `exactly ${REQUESTS}`, holds: requests === REQUESTS },
    ],
  };
}

/** Sends so many requests to a local run of its own. */
export async function fuzz(count: number, seed: number): Promise<Fuzzed> {
  const document = describeApi();
  const audit = createAudit(document);
  const stripe = await startStripe();
  const environment = { ...process.env, ...stripe.settings };
  const services = await startServices(join(import.meta.dirname, '..'), new Promise(() => {}), environment);
  if (services === undefined) throw new Error('the local run did not start');
  const { url, key, adminSecret } = services;
  const known: Known = { key, adminSecret, ids: new Map() };
  // The key in use and its account are not among what requests name, or one of them would soon be revoked and closed.
  const own = await ownIds(url, key);
  const statuses = new Map<number, number>();
  const operations = new Set<string>();
  const undescribed: string[] = [];
  const serverErrors: string[] = [];
  const dice = createDice(seed);
  let sent = 0;

  async function send(request: FuzzRequest): Promise<void> {
    const { operation, method, path, headers, body } = request;
    const response = await fetch(url + path, { method, headers, body });
    const text = await response.text();
    const { status } = response;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    operations.add(operation);
    const shown = `${method} ${path} ${body?.slice(0, 400) ?? ''} -> ${status} ${text.slice(0, 300)}`;
    if (status >= 500) serverErrors.push(shown);
    // Another method than that of the operation, or an id that names another route, is answered by no operation.
    const foreign = status === 404 && text.includes('"not_found"');
    const wrong =
      foreign || method === 'OPTIONS'
        ? undefined
        : audit({ operation, status, contentType: response.headers.get('content-type') ?? '', body: text });
    if (wrong !== undefined && !(status === 405 && wrong.startsWith('status'))) undescribed.push(`${wrong}: ${shown}`);
    for (const [id, prefix] of text.matchAll(/\b(key_|acc_|gen_|preset_)[0-9a-z]{24}/g))
      if (!own.has(id)) remember(prefix, id);
  }

  function remember(prefix: string, id: string): void {
    const ids = known.ids.get(prefix) ?? [];
    known.ids.set(prefix, [id, ...ids.filter((other) => other !== id)].slice(0, REMEMBERED));
  }

  try {
    await Promise.all(
      Array.from({ length: CALLERS }, async () => {
        while (sent < count) {
          sent++;
          await send(randomRequest(document, known, dice));
        }
      }),
    );
  } finally {
    await services.stop();
    stripe.stop();
  }
  return { requests: sent, statuses, operations, undescribed, serverErrors };
}

async function ownIds(url: string, key: string): Promise<ReadonlySet<string>> {
  const headers = { authorization: `Bearer ${key}` };
  const [keys, audit] = await Promise.all(
    ['keys', 'audit'].map(async (name) => (await fetch(`${url}/v1/${name}`, { headers })).text()),
  );
  return new Set(`${keys}${audit}`.match(/\b(key_|acc_)[0-9a-z]{24}/g));
}

/** In Stripe's place: a page to pay on for whoever asks for one. */
async function startStripe() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ id: 'cs_test_1', url: 'https://checkout.invalid/cs_test_1', expires_at: 2_000_000_000 }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const settings = {
    STRIPE_API_URL: `http://127.0.0.1:${port}`,
    STRIPE_SECRET_KEY: 'sk_test_fuzz',
    STRIPE_WEBHOOK_SECRET: 'whsec_fuzz',
  };
  return { settings, stop: () => server.close() };
}
