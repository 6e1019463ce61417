/** What of the test runtime's module we use. The package declares it with global types of Workers, which would clash with the DOM's. */
declare module 'cloudflare:test' {
  import type { D1Database } from '@cloudflare/workers-types';
  import type { Env } from '../../edge/env.ts';

  export interface D1Migration {
    readonly name: string;
    readonly queries: string[];
  }

  /** The bindings of wrangler.toml, and what vitest.config.ts adds. */
  export const env: Env & { readonly MIGRATIONS: D1Migration[] };

  export function applyD1Migrations(db: D1Database, migrations: D1Migration[]): Promise<void>;
}
