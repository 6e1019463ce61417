/**
 * Gateways and engines as processes of their own, to be killed and started again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Role } from '../gpu-backend/config.ts';

export const SECRET = 'the secret of services that live for one bench';
const MAIN = fileURLToPath(new URL('../gpu-backend/main.ts', import.meta.url));
// Lines of a process's log that are shown when it ends unasked.
const LAST_LINES = 20;

export interface ProcessOptions {
  readonly nats: string;
  readonly prefix: string;
  readonly model: string;
  readonly threads: number;
  readonly cacheFolder: string;
}

export interface RoleProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** Resolves with its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts a role and waits until it says that it is ready. @throws Error with the end of its log when it ends before */
export async function startRole(role: Role, options: ProcessOptions): Promise<RoleProcess> {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MASKWRIGHT_'))),
      MASKWRIGHT_ROLE: role,
      MASKWRIGHT_SECRET: SECRET,
      MASKWRIGHT_BACKEND_PORT: '0',
      MASKWRIGHT_NATS: options.nats,
      MASKWRIGHT_NATS_PREFIX: options.prefix,
      MASKWRIGHT_MODELS: options.model,
      MASKWRIGHT_THREADS: String(options.threads),
      MASKWRIGHT_CACHE: options.cacheFolder,
      // A bench is no interactive load: all of it may wait.
      MASKWRIGHT_WAITING_S: '3600',
    },
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const lines: string[] = [];
  let url = '';
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
      const entry = JSON.parse(line) as { msg: string; url?: string };
      if (entry.msg === 'listening') url = entry.url ?? '';
      if (entry.msg === 'ready') resolve();
    });
  });
  const early = ended.then((code) => {
    throw new Error(`the ${role} ended with ${code} before it was ready:\n${lines.join('\n')}`);
  });
  early.catch(() => {});
  await Promise.race([ready, early]);
  return { child, url, ended };
}
