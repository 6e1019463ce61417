/**
 * The edge in workerd, in a process of its own, for the bench `edge`: the bundle as it is deployed, on local D1, KV, Durable Objects, Queue
 * and cache, asked on its own socket, without the proxy that `wrangler dev` puts before it. `node edge-worker.ts FOLDER VARIABLES` prints its
 * address and that of the Worker of edge-bare.ts; FOLDER has the bundle and takes the state, VARIABLES are the Worker's, as JSON.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readD1Migrations } from '@cloudflare/vitest-plugin';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { BARE } from '/work/main/bench/edge-bare.ts';

const ROOT = '/work/main';
const NAME = 'maskwright';
const QUEUE = 'maskwright-entries';

/** A line of wrangler.toml: the runtime is to be that of a deployment. */
function configured(pattern: RegExp): string {
  const found = pattern.exec(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'));
  if (found === null) throw new Error(`wrangler.toml has no line like ${pattern}`);
  return found[1];
}

async function serve(folder: string, variables: Record<string, string>): Promise<void> {
  const common = {
    compatibilityDate: configured(/^compatibility_date = "(.*)"/m),
    compatibilityFlags: JSON.parse(configured(/^compatibility_flags = (.*)$/m)) as string[],
    bindings: variables,
    unsafeDirectSockets: [{ host: '127.0.0.1' }],
  };
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      inspectorPort: 9333,
      defaultPersistRoot: join(folder, 'state'),
      cf: false,
      // A line for each request, which a deployment hands to its platform.
      handleStructuredLogs: () => {},
      workers: [
        {
          ...common,
          name: NAME,
          modules: [{ type: 'ESModule', path: join(folder, 'bundle', 'index.js') }],
          modulesRoot: join(folder, 'bundle'),
          d1Databases: { DB: NAME },
          kvNamespaces: { KV: NAME },
          durableObjects: { LEDGER: { className: 'Ledger', useSQLite: true } },
          queueProducers: { ENTRIES: QUEUE },
          queueConsumers: { [QUEUE]: { maxBatchSize: 100, maxBatchTimeout: 1 } },
        },
        {
          ...common,
          name: 'bare',
          modules: true,
          script: BARE,
          durableObjects: { HOLDS: { className: 'Holds', useSQLite: true } },
        },
      ],
    }),
  );
  await worker.ready;
  const database = await worker.getD1Database('DB', NAME);
  for (const { queries } of await readD1Migrations(join(ROOT, 'edge', 'migrations'))) {
    for (const query of queries) await database.prepare(query).run();
  }
  const urlOf = async (name: string) => String(await worker.unsafeGetDirectURL(name));
  console.log(JSON.stringify({ edge: await urlOf(NAME), bare: await urlOf('bare') }));
  process.once('SIGTERM', () => void worker.dispose().then(() => process.exit(0)));
}

const [folder, variables] = process.argv.slice(2);
await serve(folder, JSON.parse(variables));
