/** Whether an inference service is there, asked of itself: only where nothing that came from it says so. */

import type { Env } from '../env.ts';
import { type Backend, BrokenOff, backendUnavailable } from './backend.ts';
import { circuitOf, failed, heard, probed, probing } from './health.ts';

/** It answers this from memory. */
const TIMEOUT_MS = 2_000;
/** For how long a job may say nothing before its service is asked whether it lives; jobs wait their turn in silence. */
const SILENCE_MS = 5_000;

/** Asks a service whose circuit has been open long enough, and closes the circuit if it takes work. */
export async function probe(env: Env, backend: Backend): Promise<void> {
  probing(backend.health, Date.now());
  const response = await ask(env, backend);
  await response?.body?.cancel();
  probed(backend.health, response?.ok === true, Date.now());
}

/** Probes those that are due. Resolves when all are known, which nobody need wait for who has another to ask. */
export async function probeDue(env: Env, backends: readonly Backend[]): Promise<void> {
  const due = backends.filter(({ health }) => circuitOf(health, Date.now()) === 'probe');
  await Promise.all(due.map((backend) => probe(env, backend)));
}

export interface Vigil {
  /** Rejects with BrokenOff when the service is found to be gone; never resolves. */
  readonly gone: Promise<never>;
  /** To be called when something has come from it. */
  end(): void;
}

/** Watches a service from which something is awaited: a connection into nowhere says nothing for as long as one cares to wait. */
export function keepVigil(env: Env, backend: Backend): Vigil {
  const { promise: gone, reject } = Promise.withResolvers<never>();
  gone.catch(() => {}); // where it was needed no more
  let timer = setTimeout(look, SILENCE_MS);
  let over = false;
  async function look(): Promise<void> {
    const { health } = backend;
    // Twice: one answer may be lost.
    const isThere =
      Date.now() - health.alive < SILENCE_MS || (await lives(env, backend)) || over || (await lives(env, backend));
    if (over) return;
    if (!isThere) {
      failed(health, Date.now());
      return reject(new BrokenOff(backendUnavailable().problem));
    }
    timer = setTimeout(look, SILENCE_MS);
  }
  return {
    gone,
    end() {
      over = true;
      clearTimeout(timer);
    },
  };
}

/** Whether it answers at all: one that takes no new work goes on with what it has. */
async function lives(env: Env, backend: Backend): Promise<boolean> {
  const response = await ask(env, backend);
  const said = (await response?.json().catch(() => undefined)) as { readonly status?: unknown } | undefined;
  if (typeof said?.status !== 'string') return false; // a proxy before it, if anything
  heard(backend.health, Date.now());
  return true;
}

async function ask(env: Env, { url }: Backend): Promise<Response | undefined> {
  const readyz = new URL('/readyz', url).href;
  const init = { signal: AbortSignal.timeout(TIMEOUT_MS) };
  return (env.BACKEND === undefined ? fetch(readyz, init) : env.BACKEND.fetch(readyz, init)).catch(() => undefined);
}
