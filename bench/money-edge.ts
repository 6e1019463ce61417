/**
 * The edge in workerd as it is deployed, bundled, with all its bindings; and an observer beside it in the same process, which asks the
 * ledgers and D1 what they have, and stands in the middle of the queue: it delivers every entry up to three times, in any order.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_readConfig as readConfig, unstable_splitSqlQuery as splitSqlQuery } from 'wrangler';
import type { Balance, Entry, Exported } from '../edge/ledger/protocol.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CONFIGURATION = join(ROOT, 'wrangler.toml');
const MIGRATIONS = join(ROOT, 'edge', 'migrations');

export interface MoneyEdge {
  readonly url: string;
  readonly adminSecret: string;
  readonly webhookSecret: string;
  /** What the Worker has logged. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  balance(account: string): Promise<Balance>;
  /** All entries of its ledger, oldest first. */
  entries(account: string): Promise<Entry[]>;
  /** All its rows of D1, oldest first. */
  statements(account: string): Promise<Exported[]>;
  /** Entries that the queue had, and how often they were delivered. */
  deliveries(): Promise<{ readonly entries: number; readonly deliveries: number }>;
  stop(): Promise<void>;
}

export interface MoneyEdgeOptions {
  readonly backends: readonly string[];
  readonly secret: string;
  readonly secrets: { readonly admin: string; readonly webhook: string };
}

const OBSERVER = `
  const count = { entries: 0, deliveries: 0 };
  export default {
    async fetch(request, env) {
      const { pathname, searchParams } = new URL(request.url);
      const account = searchParams.get('account');
      if (pathname === '/deliveries') return Response.json(count);
      if (pathname === '/statements') {
        const rows = env.DB.prepare('SELECT * FROM statements WHERE account = ? AND mode = ? ORDER BY seq');
        return Response.json((await rows.bind(account, 'live').all()).results);
      }
      const ledger = env.LEDGER.getByName(account + ':live');
      if (pathname === '/balance') return Response.json(await ledger.balance());
      const entries = [];
      for (let part; part === undefined || part.length > 0; entries.push(...part)) {
        part = await ledger.entries(entries.length, 1000);
      }
      return Response.json(entries);
    },
    async queue(batch, env) {
      const again = batch.messages.flatMap(({ body }) => Array.from({ length: 1 + Math.floor(3 * Math.random()) }, () => ({ body })));
      count.entries += batch.messages.length;
      count.deliveries += again.length;
      again.sort(() => Math.random() - 0.5);
      for (let at = 0; at < again.length; at += 100) await env.AGAIN.sendBatch(again.slice(at, at + 100));
    },
  };
`;

/** Starts it with an empty database. */
export async function startMoneyEdge({ backends, secret, secrets }: MoneyEdgeOptions): Promise<MoneyEdge> {
  const folder = await mkdtemp(join(tmpdir(), 'maskwright-money-'));
  const config = readConfig({ config: CONFIGURATION });
  const log: Record<string, unknown>[] = [];
  const bindings = {
    BACKEND_URL: backends.join(','),
    BACKEND_SECRET: secret,
    ADMIN_SECRET: secrets.admin,
    STRIPE_WEBHOOK_SECRET: secrets.webhook,
  };
  const shared = { compatibilityDate: config.compatibility_date, compatibilityFlags: config.compatibility_flags };
  const d1Databases = { DB: 'money' };
  const queue = { maxBatchSize: 100, maxBatchTimeout: 1, maxRetries: 20 };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleStructuredLogs({ message }) {
        if (message.startsWith('{')) log.push(JSON.parse(message));
      },
      workers: [
        {
          ...{ ...shared, name: 'edge', bindings, d1Databases, kvNamespaces: { KV: 'money' } },
          modules: [{ type: 'ESModule', path: 'index.js', contents: await bundle(folder) }],
          durableObjects: { LEDGER: { className: 'Ledger', useSQLite: true } },
          queueProducers: { ENTRIES: { queueName: 'entries' } },
          queueConsumers: { 'entries-again': queue },
        },
        {
          ...{ ...shared, name: 'observer', d1Databases },
          modules: [{ type: 'ESModule', path: 'observer.js', contents: OBSERVER }],
          durableObjects: { LEDGER: { className: 'Ledger', scriptName: 'edge', useSQLite: true } },
          queueProducers: { AGAIN: { queueName: 'entries-again' } },
          queueConsumers: { entries: queue },
        },
      ],
    }),
  );
  const url = (await miniflare.ready).origin;
  const database = await miniflare.getD1Database('DB', 'edge');
  for (const file of (await readdir(MIGRATIONS)).sort()) {
    const sql = await readFile(join(MIGRATIONS, file), 'utf8');
    await database.batch(splitSqlQuery(sql).map((statement) => database.prepare(statement)));
  }
  const observer = await miniflare.getWorker('observer');
  const ask = async (path: string, account = '') => {
    const response = await observer.fetch(`http://observer${path}?account=${account}`);
    if (!response.ok) throw new Error(`the observer answered ${response.status}: ${await response.text()}`);
    return response.json() as Promise<never>;
  };
  return {
    ...{ url, log, adminSecret: secrets.admin, webhookSecret: secrets.webhook },
    balance: (account) => ask('/balance', account),
    entries: (account) => ask('/entries', account),
    statements: (account) => ask('/statements', account),
    deliveries: () => ask('/deliveries'),
    async stop() {
      await miniflare.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The Worker as wrangler would upload it. */
async function bundle(folder: string): Promise<string> {
  const wrangler = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
  const parameters = [wrangler, 'deploy', '--dry-run', '--outdir', folder, '--config', CONFIGURATION];
  const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(folder, 'log') };
  await promisify(execFile)(process.execPath, parameters, { cwd: ROOT, env });
  return readFile(join(folder, 'index.js'), 'utf8');
}
