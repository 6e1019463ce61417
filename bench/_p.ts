/** The processes of the bench `edge`: a fixed inference service, and the deployed bundle in workerd before it, with an account to spend. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createCaller } from './edge-caller.ts';

const ROOT = join(import.meta.dirname, '..');
/** Micro-dollars; more than a run can spend. */
const GRANT = 1_000_000_000;
const PER_MINUTE = 100_000;

export interface EdgeProcesses {
  readonly backendUrl: string;
  readonly edgeUrl: string;
  /** Of the Worker of edge-bare.ts. */
  readonly bareUrl: string;
  /** A live key without a limit that would be felt. */
  readonly key: string;
  stop(): void;
}

export async function startEdge(): Promise<EdgeProcesses> {
  const folder = mkdtempSync(join(tmpdir(), 'maskwright-bench-edge-'));
  const children: ChildProcess[] = [];
  const start = (script: string, ...parameters: string[]) => {
    const path = join(import.meta.dirname, script);
    const child = spawn(process.execPath, [path, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return firstLine(child);
  };
  const stop = () => {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    bundle(join(folder, 'bundle'));
    const backendUrl = `http://127.0.0.1:${(await start('edge-backend.ts')).port}`;
    const adminSecret = randomBytes(32).toString('hex');
    const variables = {
      BACKEND_URL: backendUrl,
      BACKEND_SECRET: randomBytes(32).toString('hex'),
      ADMIN_SECRET: adminSecret,
    };
    const { edge, bare } = await start('_w.ts', folder, JSON.stringify(variables));
    const edgeUrl = String(edge);
    return { backendUrl, edgeUrl, bareUrl: String(bare), key: await openKey(edgeUrl, adminSecret), stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Writes the Worker as `wrangler deploy` would send it. */
function bundle(folder: string): void {
  const wrangler = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
  const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', NO_UPDATE_NOTIFIER: '1' };
  const parameters = [wrangler, 'deploy', '--dry-run', '--minify=false', '--outdir', folder];
  execFileSync(process.execPath, parameters, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  for await (const line of createInterface({ input: child.stdout! })) {
    child.stdout?.resume(); // nobody reads on, and a full pipe would stop it
    return JSON.parse(line) as Record<string, unknown>;
  }
  throw new Error('a process of the bench ended before it was ready');
}

async function openKey(url: string, adminSecret: string): Promise<string> {
  const { send, close } = createCaller(url);
  const ask = async (path: string, secret: string, body: object) => {
    const answer = await send(path, { authorization: `Bearer ${secret}` }, JSON.stringify(body));
    if (answer.status !== 201) throw new Error(`${path} was answered with status ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body) as { readonly key: string; readonly keys: readonly { readonly key: string }[] };
  };
  const opened = { name: 'bench', grant_micro_dollars: { live: GRANT }, keys: ['live'] };
  const { keys } = await ask('/v1/admin/accounts', adminSecret, opened);
  const terms = { name: 'bench', requests_per_minute: PER_MINUTE };
  const { key } = await ask('/v1/keys', keys[0].key, terms);
  close();
  return key;
}
