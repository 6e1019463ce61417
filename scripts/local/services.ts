/** The two services of a local run: the inference service and, in front of it, the edge in workerd. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLocalAccount } from './account.ts';
import { type Child, type ChildOptions, startChild } from './children.ts';
import { claimFolder, releaseFolder } from './claims.ts';
import { emptyDatabase } from './database.ts';
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
  /** A test key of the account of this run. */
  readonly key: string;
  /** A live key of it. */
  readonly liveKey: string;
  /** Opens other accounts. */
  readonly adminSecret: string;
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
  const [secret, adminSecret, sessionSecret] = Array.from({ length: 3 }, () => randomBytes(32).toString('hex'));
  const variables = join(folder, 'edge.vars');
  writeFileSync(variables, environmentFile({ url: backendUrl, secret, adminSecret, sessionSecret }, given), {
    mode: 0o600,
  });

  const environment = withoutOurs(given);
  const children: Child[] = [];
  const start = (options: Pick<ChildOptions, 'name' | 'parameters' | 'log'>, more: NodeJS.ProcessEnv): Child => {
    const child = startChild({ ...options, environment: { ...environment, ...more }, folder: root });
    children.push(child);
    return child;
  };
  const backend = start(
    {
      name: 'inference service',
      parameters: [join(root, 'gpu-backend', 'main.ts')],
      log: join(folderOf(backendPort), 'backend.log'),
    },
    { MASKWRIGHT_SECRET: secret, MASKWRIGHT_BACKEND_PORT: String(backendPort) },
  );
  const state = join(folder, 'state');
  const startEdge = async () => {
    const migrate = () => start(migration(root, { state, folder }), wranglerEnvironment(folder)).succeeded;
    await emptyDatabase({ root, state, migrate });
    const parameters = edgeParameters(root, { edgePort, variables, state });
    return start({ name: 'edge', parameters, log: join(folder, 'edge.log') }, wranglerEnvironment(folder));
  };
  const ready = async () => {
    await Promise.all([answers(`${backendUrl}/readyz`), answers(`${url}/v1/models`, UNAUTHORIZED)]);
    const keys = await openLocalAccount(url, adminSecret);
    await answers(`${url}/v1/models`, OK, keys.test);
    return keys;
  };
  let failed = false;
  const stop = async () => {
    await Promise.all(children.map((child) => child.stop()));
    rmSync(variables, { force: true });
    // The logs of a failure stay to be read.
    for (const port of [edgePort, backendPort]) releaseFolder(folderOf(port), { keep: failed });
  };
  try {
    const edge = await Promise.race([startEdge(), backend.died, interrupted]);
    if (edge !== undefined) {
      const died = Promise.race([backend.died, edge.died]);
      died.catch(() => {
        failed = true;
      });
      const keys = await Promise.race([ready(), died, interrupted]);
      if (keys !== undefined) {
        return { url, backendUrl, key: keys.test, liveKey: keys.live, adminSecret, died, stop };
      }
    }
  } catch (error) {
    failed = true;
    await stop();
    throw error;
  }
  await stop();
  return undefined;
}

/** Variables that the inference service does not know and, being strict, would refuse. */
const OURS = ['MASKWRIGHT_TEST_REPORT'];

function withoutOurs(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OURS.includes(name)));
}

/** Variables of ours that the edge reads too. */
const EDGE_TOO =
  /^(OTEL_(EXPORTER_OTLP_(ENDPOINT|HEADERS)|TRACES_SAMPLER_ARG)|CORS_ORIGINS|PRICES|TURNSTILE_URL|(STRIPE|CLOUDEVENTS|X402)_\w+)$/;

function environmentFile(
  { url, secret, adminSecret, sessionSecret }: Record<'url' | 'secret' | 'adminSecret' | 'sessionSecret', string>,
  given: NodeJS.ProcessEnv,
): string {
  const shared = Object.entries(given).map(([name, value]) =>
    value && EDGE_TOO.test(name) ? `${name}=${value}\n` : '',
  );
  const ours = { BACKEND_URL: url, BACKEND_SECRET: secret, ADMIN_SECRET: adminSecret, SESSION_SECRET: sessionSecret };
  return Object.entries(ours)
    .map(([name, value]) => `${name}=${value}\n`)
    .concat(shared)
    .join('');
}

function wranglerParameters(root: string, ...command: string[]): string[] {
  return [
    join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js'),
    ...command,
    '--config',
    join(root, 'wrangler.toml'),
  ];
}

function migration(root: string, { state, folder }: { state: string; folder: string }) {
  return {
    name: 'migration of the database',
    parameters: [...wranglerParameters(root, 'd1', 'migrations', 'apply', 'DB'), '--local', '--persist-to', state],
    log: join(folder, 'migrations.log'),
  };
}

function wranglerEnvironment(folder: string): NodeJS.ProcessEnv {
  return {
    CI: '1',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_LOG_PATH: join(folder, 'wrangler'),
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    NO_UPDATE_NOTIFIER: '1',
  };
}

function edgeParameters(root: string, paths: { edgePort: number; variables: string; state: string }): string[] {
  return [
    ...wranglerParameters(root, 'dev'),
    ...['--ip', '127.0.0.1', '--port', String(paths.edgePort), '--inspector-port', '0'],
    ...['--env-file', paths.variables, '--persist-to', paths.state],
    ...['--show-interactive-dev-session=false', '--live-reload=false'],
  ];
}

const OK = 200;
const UNAUTHORIZED = 401;

/** Waits until an address answers with this status. */
async function answers(url: string, status = OK, key?: string): Promise<void> {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const deadline = Date.now() + READY_MS;
  let last = 'nothing listens';
  while (Date.now() < deadline) {
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
      await response.arrayBuffer();
      if (response.status === status) return;
      last = `status ${response.status}`;
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${url} did not become ready in ${READY_MS / 1000} s (${last}).`);
}
