/**
 * Money under chaos: streams whose callers vanish, services that are killed, events of payments and entries of the queue that come more
 * than once. In the end the ledgers, D1 and the services' own accounts agree, and nothing is held.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DEFAULT_PRICE } from '../shared/contract/price.ts';
import { type Audit, audit } from './money-audit.ts';
import { startMoneyBackends } from './money-backends.ts';
import { call, type MoneyAccount, type Told } from './money-clients.ts';
import { type MoneyEdge, startMoneyEdge } from './money-edge.ts';
import { seeded } from './random-requests.ts';
import type { BenchOptions, Report } from './report.ts';

/** Quick to load, so that a service that is killed is soon back. */
const MODEL = fileURLToPath(new URL('../test/fixtures/overfit', import.meta.url));
const SERVICES = 2;
const CALLERS = 24;
const ACCOUNTS = 4;
const GRANT = 50_000_000;
/** What a caller waits who was refused for want of a service. */
const AGAIN_MS = 250;
const TOP_UP_CENTS = 500;
/** Share of the requests during which services are killed; those that come behind find services that live to tell of them. */
const DISTURBED = 0.75;
const SEED = 20_261_127;
/** A stream waits 15 s for its reader, then the ledger asks, and again 5 s later where a service was away. */
const QUIET_MS = 120_000;

export interface MoneyOptions {
  readonly requests: number;
  readonly killEveryMs: number;
  readonly threads: number;
  readonly cacheFolder: string;
}

export interface Money extends Audit {
  readonly told: readonly Told[];
  readonly kills: number;
  readonly topUps: number;
  readonly entries: number;
  readonly deliveries: number;
  readonly seconds: number;
  /** From the last stream's end until nothing was held and D1 had all. */
  readonly quietSeconds: number;
}

/** Runs it. */
export async function money({ requests, killEveryMs, ...options }: MoneyOptions): Promise<Money> {
  const random = seeded(SEED);
  const backends = await startMoneyBackends({ ...options, count: SERVICES, model: MODEL, killEveryMs, random });
  const secrets = { admin: randomBytes(32).toString('hex'), webhook: `whsec_${randomBytes(24).toString('hex')}` };
  let edge: MoneyEdge | undefined;
  try {
    edge = await startMoneyEdge({ backends: backends.urls, secret: backends.secret, secrets });
    const [accounts] = await Promise.all([openAccounts(edge), backends.ready]);
    const began = performance.now();
    backends.disturb();
    const topUps = payUntilToldToStop(edge, accounts, random);
    const disturbed = Math.round(requests * DISTURBED);
    const told = await callAll(edge, accounts, { from: 0, to: disturbed }, random);
    await backends.calm();
    told.push(...(await callAll(edge, accounts, { from: disturbed, to: requests }, random)));
    const ended = performance.now();
    const payments = await topUps.stop();
    const ids = accounts.map(({ id }) => id);
    await untilQuiet(edge, ids);
    const quiet = performance.now();
    const found = await audit({ edge, backends, price: DEFAULT_PRICE, told, accounts: ids });
    const credited = (await Promise.all(ids.map((id) => edge!.entries(id))))
      .flat()
      .filter(({ kind }) => kind === 'top_up');
    const once = credited.length === payments ? [] : [`${payments} payments, ${credited.length} credits`];
    return {
      ...{ ...found, faults: [...found.faults, ...once], told, kills: backends.kills, topUps: payments },
      ...(await edge.deliveries()),
      ...{ seconds: (ended - began) / 1_000, quietSeconds: (quiet - ended) / 1_000 },
    };
  } finally {
    await edge?.stop();
    await backends.stop();
  }
}

async function openAccounts({ url, adminSecret }: MoneyEdge): Promise<MoneyAccount[]> {
  const headers = { authorization: `Bearer ${adminSecret}`, 'content-type': 'application/json' };
  const post = async (path: string, body: object) => {
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${text}`);
    return JSON.parse(text) as { readonly id: string; readonly key: string };
  };
  return Promise.all(
    Array.from({ length: ACCOUNTS }, async (_, n) => {
      const opened = { name: `caller ${n}`, grant_micro_dollars: { live: GRANT }, keys: [] };
      const { id } = await post('/v1/admin/accounts', opened);
      const scopes = ['generate', 'models', 'usage'];
      const asked = { name: 'bench', mode: 'live', scopes, requests_per_minute: 100_000 };
      return { id, key: (await post(`/v1/admin/accounts/${id}/keys`, asked)).key };
    }),
  );
}

/** Every request once, by callers side by side. A few are asked for again, by their seed or by their Idempotency-Key. */
async function callAll(
  edge: MoneyEdge,
  accounts: readonly MoneyAccount[],
  { from, to }: { readonly from: number; readonly to: number },
  random: () => number,
) {
  const told: Told[] = [];
  let next = from;
  const caller = async () => {
    while (next < to) {
      const n = next++;
      const account = accounts[n % accounts.length];
      const body = bodyOf(n, random);
      const idempotencyKey = random() < 0.1 ? `once-${n}` : undefined;
      const one = { url: edge.url, account, body, idempotencyKey, random };
      for (let refused = true; refused; ) {
        const both = [call(one)];
        if (idempotencyKey !== undefined && random() < 0.5) both.push(call(one));
        const answers = await Promise.all(both);
        told.push(...answers);
        // While no service is there; each try is a request of its own.
        refused = answers.every(({ problem, job }) => problem === 'backend_unavailable' && job === undefined);
        if (refused) await sleep(AGAIN_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return told;
}

function bodyOf(n: number, random: () => number): object {
  const tokens = 8 + Math.floor(random() * 33);
  const seed = random() < 0.25 ? { seed: Math.floor(random() * 12) } : {};
  // Those with a seed are few different ones, so that they meet in the cache and under way.
  const length = 'seed' in seed ? 24 : tokens;
  return {
    ...{ model: 'overfit', style: 'product', stream: 'steps', length: { unit: 'tokens', exact: length }, ...seed },
    ...(random() < 0.2 ? { n: 2 } : {}),
    diffusion: { steps: length },
    prompt: 'seed' in seed ? 'the same' : `request ${n}`,
  };
}

/** Payments at random, whose events Stripe sends up to three times, side by side. */
function payUntilToldToStop(edge: MoneyEdge, accounts: readonly MoneyAccount[], random: () => number) {
  let payments = 0;
  const over = new AbortController();
  const paying = (async () => {
    while (!over.signal.aborted) {
      const { id } = accounts[Math.floor(random() * accounts.length)];
      const event = paymentEvent(id, ++payments);
      await Promise.all(Array.from({ length: 1 + Math.floor(3 * random()) }, () => deliver(edge, event)));
      await sleep(500, undefined, { signal: over.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      over.abort();
      await paying;
      return payments;
    },
  };
}

function paymentEvent(account: string, n: number): string {
  const metadata = { maskwright_account: account, maskwright_micro_dollars: String(TOP_UP_CENTS * 10_000) };
  const session = {
    ...{ id: `cs_${n}`, mode: 'payment', payment_status: 'paid', amount_total: TOP_UP_CENTS, currency: 'usd' },
    ...{ client_reference_id: account, customer: `cus_${account}`, payment_intent: `pi_${n}`, metadata },
  };
  return JSON.stringify({
    id: `evt_${n}`,
    type: 'checkout.session.completed',
    livemode: true,
    data: { object: session },
  });
}

/** As Stripe does: again until it is answered with success. */
async function deliver({ url, webhookSecret }: MoneyEdge, body: string): Promise<void> {
  for (;;) {
    const time = Math.floor(Date.now() / 1_000);
    const signature = createHmac('sha256', webhookSecret).update(`${time}.${body}`).digest('hex');
    const headers = { 'stripe-signature': `t=${time},v1=${signature}` };
    const response = await fetch(`${url}/v1/webhooks/stripe`, { method: 'POST', headers, body });
    const text = await response.text();
    if (response.ok) return;
    if (response.status < 500) throw new Error(`the webhook was answered with ${response.status}: ${text}`);
    await sleep(100);
  }
}

/** Until nothing is held and D1 has what the ledgers have; whatever is not so by then is a finding. */
async function untilQuiet(edge: MoneyEdge, accounts: readonly string[]): Promise<void> {
  const isQuiet = async (account: string) => {
    if ((await edge.balance(account)).held > 0) return false;
    return (await edge.entries(account)).length === (await edge.statements(account)).length;
  };
  for (const end = Date.now() + QUIET_MS; Date.now() < end; await sleep(500)) {
    if ((await Promise.all(accounts.map(isQuiet))).every((quiet) => quiet)) return;
  }
}

const REQUESTS = 2_000;
const KILL_EVERY_MS = 3_000;

const METHOD = `${SERVICES} services as processes (a tiny model), of which one is killed with SIGKILL every ${KILL_EVERY_MS / 1000} s on average and started again, during the first ${100 * DISTURBED} % of the requests; the edge in workerd with all its bindings. \
${CALLERS} callers of ${ACCOUNTS} accounts send ${REQUESTS} streamed requests of one or two texts of 8 to 40 tokens, a quarter of them asked before, a tenth under an Idempotency-Key. 55 of 100 vanish after up to 500 ms \
or 40 events, half of these come back within 4 s. Events of payments come up to three times, entries of the queue too and in any order. Then, with nothing under way: each entry of the ledgers against D1 and against \
the service's own account of the job, or, where the service was killed, what the caller was handed or the service had logged.`;

export async function run({ threads, cacheFolder }: BenchOptions): Promise<Report> {
  const found = await money({ requests: REQUESTS, killEveryMs: KILL_EVERY_MS, threads, cacheFolder });
  for (const fault of found.faults.slice(0, 20)) console.error(fault);
  const { told, proven } = found;
  const count = (holds: (one: Told) => boolean) => told.filter(holds).length;
  const row = {
    seconds: found.seconds,
    'quiet after s': found.quietSeconds,
    streams: told.length,
    whole: count(({ whole }) => whole),
    left: count(({ left }) => left),
    'came back': count(({ returns }) => returns > 0),
    'told a problem': count(({ problem }) => problem !== undefined),
    kills: found.kills,
    payments: found.topUps,
    entries: found.entries,
    deliveries: found.deliveries,
    free: found.free,
  };
  const charged = Object.entries(proven).map(([proof, { requests, amount }]) => ({
    proof,
    requests,
    'micro-dollars': amount,
  }));
  const bars = [
    { what: 'faults of the books', value: found.faults.length, bound: 'exactly 0', holds: found.faults.length === 0 },
    { what: 'requests', value: told.length, bound: `at least ${REQUESTS}`, holds: told.length >= REQUESTS },
  ];
  return { bench: 'money', method: METHOD, rows: [row, ...charged], bars };
}
