/** What of the test runtime's modules we use. Its package declares them with the global types of Workers, which would clash with the DOM's. */
declare module 'cloudflare:test' {
  import type { D1Database, DurableObjectState } from '@cloudflare/workers-types';

  export interface D1Migration {
    readonly name: string;
    readonly queries: string[];
  }

  export function applyD1Migrations(db: D1Database, migrations: D1Migration[]): Promise<void>;
  /** Runs a function inside the Durable Object behind a stub. */
  export function runInDurableObject<Instance, R>(
    stub: unknown,
    callback: (instance: Instance, state: DurableObjectState) => R | Promise<R>,
  ): Promise<R>;
  /** Runs its alarm now. @returns false where none was set */
  export function runDurableObjectAlarm(stub: unknown): Promise<boolean>;
  /** Takes the object out of memory; its storage stays. */
  export function evictDurableObject(stub: unknown): Promise<void>;
}

declare module 'cloudflare:workers' {
  /** The bindings of wrangler.toml, and what vitest.config.ts adds. */
  export const env: import('../../edge/env.ts').Env & {
    readonly MIGRATIONS: import('cloudflare:test').D1Migration[];
  };
}
