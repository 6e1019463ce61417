/** The two services of a local run: the inference service and, in front of it, the edge in workerd. */
import { createHash, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './children.ts';
import { claimFolder, releaseFolder } from './claims.ts';
import { choosePort } from './ports.ts';

const EDGE_PORT = 8787;
const BACKEND_PORT = 8788;
/** The first start writes the int8 form of the weights, and a busy machine is slow. */
const READY_MS = 180_000;
const POLL_MS = 100;

export interface LocalServices {
  /** Where the edge listens: 'http://127.0.0.1:8787'. */
  readonly url: string;
  readonly backendUrl: string;
  /** The key of this run. */
  readonly key: string;
  /** Rejects when one of the processes dies. */
  readonly died: Promise<never>;
  stop(): Promise<void>;
}

/**
 * Starts both services and waits until they answer; undefined when the run was interrupted meanwhile.
 * @param root folder of the project.
 * @param given environment of the two.
 * @throws Error in words for a person, with the end of the log of a process that died.
 */
export async function startServices(
  root: string,
  interrupted: Promise<void>,
  given: NodeJS.ProcessEnv = process.env,
): Promise<LocalServices | undefined> {
  // A folder for each port, so that two runs of one checkout do not disturb each other.
  const folderOf = (port: number) => join(root, '.local', String(port));
  const edgePort = await choosePort('MASKWRIGHT_PORT', EDGE_PORT, (port) => claimFolder(folderOf(port)));
  const backendPort = await choosePort(
    'MASKWRIGHT_BACKEND_PORT',
    edgePort === BACKEND_PORT ? 0 : BACKEND_PORT,
    (port) => port !== edgePort && claimFolder(folderOf(port)),
  );
  const url = `http://127.0.0.1:${edgePort}`;
  const backendUrl = `http://127.0.0.1:${backendPort}`;
  const folder = folderOf(edgePort);
  const key = process.env.MASKWRIGHT_KEY || `sk_local_${randomBytes(24).toString('hex')}`;
  const secret = randomBytes(32).toString('hex');
  const variables = join(folder, 'edge.vars');
  writeFileSync(variables, environmentFile({ url: backendUrl, secret, key }, given), { mode: 0o600 });

  const environment = withoutOurs(given);
  const backend = startChild({
    name: 'inference service',
    parameters: [join(root, 'gpu-backend', 'main.ts')],
    environment: { ...environment, MASKWRIGHT_SECRET: secret, MASKWRIGHT_BACKEND_PORT: String(backendPort) },
    folder: root,
    log: join(folderOf(backendPort), 'backend.log'),
  });
  const edge = startChild({
    name: 'edge',
    parameters: edgeParameters(root, { edgePort, variables, state: join(folder, 'state') }),
    environment: {
      ...environment,
      CI: '1',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_LOG_PATH: join(folder, 'wrangler'),
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      NO_UPDATE_NOTIFIER: '1',
    },
    folder: root,
    log: join(folder, 'edge.log'),
  });
  const children = [backend, edge];
  const died = Promise.race(children.map((child) => child.died));
  let failed = false;
  died.catch(() => {
    failed = true;
  });
  const stop = async () => {
    await Promise.all(children.map((child: Child) => child.stop()));
    rmSync(variables, { force: true });
    // The logs of a failure stay to be read.
    for (const port of [edgePort, backendPort]) releaseFolder(folderOf(port), { keep: failed });
  };
  try {
    const ready = Promise.all([answers(`${backendUrl}/readyz`), answers(`${url}/v1/models`, key)]).then(() => true);
    if (await Promise.race([ready, died, interrupted])) return { url, backendUrl, key, died, stop };
  } catch (error) {
    await stop();
    throw error;
  }
  await stop();
  return undefined;
}

/** Variables that the inference service does not know and, being strict, would refuse. */
const OURS = ['MASKWRIGHT_KEY', 'MASKWRIGHT_TEST_REPORT'];

function withoutOurs(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OURS.includes(name)));
}

/** Variables of ours that the edge reads too. */
const EDGE_TOO = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_TRACES_SAMPLER_ARG'];

function environmentFile(
  { url, secret, key }: { url: string; secret: string; key: string },
  given: NodeJS.ProcessEnv,
): string {
  const digest = createHash('sha256').update(key).digest('hex');
  const shared = EDGE_TOO.filter((name) => given[name]).map((name) => `${name}=${given[name]}\n`);
  return `BACKEND_URL=${url}\nBACKEND_SECRET=${secret}\nLOCAL_KEY_SHA256=${digest}\n${shared.join('')}`;
}

function edgeParameters(root: string, paths: { edgePort: number; variables: string; state: string }): string[] {
  return [
    join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js'),
    ...['dev', '--config', join(root, 'wrangler.toml')],
    ...['--ip', '127.0.0.1', '--port', String(paths.edgePort), '--inspector-port', '0'],
    ...['--env-file', paths.variables, '--persist-to', paths.state],
    ...['--show-interactive-dev-session=false', '--live-reload=false'],
  ];
}

/** Waits until an address answers with a success. */
async function answers(url: string, key?: string): Promise<void> {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const deadline = Date.now() + READY_MS;
  let last = 'nothing listens';
  while (Date.now() < deadline) {
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
      await response.arrayBuffer();
      if (response.ok) return;
      last = `status ${response.status}`;
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${url} did not become ready in ${READY_MS / 1000} s (${last}).`);
}
