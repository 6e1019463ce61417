/**
 * Services, gateways and engines as processes of their own, to be killed and started again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Role } from '../gpu-backend/config.ts';

export const SECRET = 'the secret of services that live for one bench';
const MAIN = fileURLToPath(new URL('../gpu-backend/main.ts', import.meta.url));

export interface ProcessOptions {
  /** Of gateways and engines. */
  readonly nats?: string;
  readonly prefix?: string;
  readonly model: string;
  readonly threads: number;
  readonly cacheFolder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RoleProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** Resolves when its log says so; rejects with the end of its log when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** What it has logged. */
  readonly log: readonly string[];
}

/** Starts a role and waits until it listens. @throws Error with its log when it ends before */
export async function startRole(role: Role, options: ProcessOptions): Promise<RoleProcess> {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MASKWRIGHT_'))),
      MASKWRIGHT_ROLE: role,
      MASKWRIGHT_SECRET: SECRET,
      MASKWRIGHT_BACKEND_PORT: '0',
      ...(options.nats === undefined ? {} : { MASKWRIGHT_NATS: options.nats }),
      ...(options.prefix === undefined ? {} : { MASKWRIGHT_NATS_PREFIX: options.prefix }),
      MASKWRIGHT_MODELS: options.model,
      MASKWRIGHT_THREADS: String(options.threads),
      MASKWRIGHT_CACHE: options.cacheFolder,
      ...options.environment,
    },
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const log: string[] = [];
  const said = new Map<string, (entry: { url?: string }) => void>();
  const whenSaid = (message: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ url?: string }>();
    said.set(message, resolve);
    void ended.then((code) =>
      reject(new Error(`the ${role} ended with ${code} before it was ${message}:\n${log.join('\n')}`)),
    );
    promise.catch(() => {}); // whoever waits for it sees it
    return promise;
  };
  const listening = whenSaid('listening');
  const ready = whenSaid('ready').then(() => {});
  ready.catch(() => {});
  createInterface({ input: child.stdout! }).on('line', (line) => {
    log.push(line);
    const entry = JSON.parse(line) as { msg: string; url?: string };
    said.get(entry.msg)?.(entry);
  });
  return { child, url: (await listening).url ?? '', ready, ended, log };
}
