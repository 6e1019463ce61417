/** What the Worker is given (wrangler.toml, secrets) and what its middleware leave for each other. */

import type { D1Database, KVNamespace, Queue } from '@cloudflare/workers-types';
import type { BillingSettings } from './billing/settings.ts';
import type { Caller } from './caller.ts';
import type { Exported, Ledgers, RateState } from './ledger/protocol.ts';
import type { Session } from './sessions/token.ts';
import type { Timing } from './watching/timing.ts';
import type { RequestTrace } from './watching/trace.ts';

/** The part of a service binding the edge needs; the global `fetch` has the same shape. */
export interface Fetcher {
  fetch(input: string, init?: RequestInit): Promise<Response>;
}

export interface Env extends BillingSettings {
  /** Where the inference service is: 'https://gpu.example.com'; several, separated by commas. */
  readonly BACKEND_URL: string;
  /** Shared with the inference service, at least 32 characters. A secret. */
  readonly BACKEND_SECRET: string;
  /** Opens accounts (`Authorization: Bearer ...` at /v1/admin), at least 32 characters. A secret; without it nobody does. */
  readonly ADMIN_SECRET?: string;
  /** Signs client sessions and keeps presets' secrets, at least 32 characters. A secret; without it there are neither. */
  readonly SESSION_SECRET?: string;
  /** Where Turnstile's siteverify is; the real one by default. */
  readonly TURNSTILE_URL?: string;
  /** Keys, presets, requests and statements. */
  readonly DB: D1Database;
  /** What may be a minute old: keys, and answers behind the cache of a data centre. */
  readonly KV: KVNamespace;
  /** The Durable Objects of edge/ledger. */
  readonly LEDGER: Ledgers;
  readonly ENTRIES: Queue<Exported>;
  /** The website, where the Worker has one. */
  readonly ASSETS?: Fetcher;
  /** Web pages that may read answers to secret keys and without a key: exact origins, separated by commas, or '*'. None by default. */
  readonly CORS_ORIGINS?: string;
  /** Prices by model, as JSON: {"llada-8b": {"computed": 400000, "cached": 20}}; shared/contract/price.ts has the default. */
  readonly PRICES?: string;
  /** Optional private way to the inference service (Workers VPC); without it requests go over the public network. */
  readonly BACKEND?: Fetcher;
  /** Where spans are sent, OTLP over HTTP: 'https://collector.example.com'. Without it none are. */
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string;
  /** 'name=value,name=value'. A secret. */
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string;
  /** Share of the traces begun here that are recorded, 0..1; all by default. */
  readonly OTEL_TRACES_SAMPLER_ARG?: string;
}

export interface Variables {
  readonly requestId: string;
  /** Set by `answered`. */
  readonly timing: Timing;
  /** The rate limit of the caller's key after this request, once its ledger has said it. */
  readonly rate: RateState | undefined;
  /** Set by `trace`. */
  readonly trace: RequestTrace;
  /** Who is asking; set by `authenticate`. */
  readonly caller: Caller;
  /** The page a publishable key or a client session was used from; set by who authenticates. */
  readonly corsOrigin?: string;
  /** The client session that a preset is run in; set by `authenticateRun`. */
  readonly session?: Session;
  /** Who looks at the page that runs a preset, by a name that leads to nobody; absent where a server does. Set by `authenticateRun`. */
  readonly visitor?: string;
  /** The parsed body; set by `jsonBody`. */
  readonly body: unknown;
}

/** The types of every Hono app and context of the edge. */
export interface EdgeTypes {
  Bindings: Env;
  Variables: Variables;
}
