/**
 * The routes before a dispatch, on their port.
 */
import type { Logger } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import type { Config } from '../config.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { createJournal } from '../dispatch/journal.ts';
import { watchWork } from '../dispatch/watched.ts';
import { createApp } from '../http/app.ts';
import { createHttpCounters } from '../http/counters.ts';
import { measureWork } from '../http/measure.ts';
import { problemOf } from '../http/problems.ts';
import { openServer } from '../http/server.ts';

// What has been said by the end of the grace period is still read by whoever reads quickly.
const LAST_READERS_MS = 3_000;

export interface Routes {
  readonly url: string;
  /** Takes no more connections; resolves when those there are have ended, soon by force. */
  close(): Promise<void>;
}

/** http://host:port, where the host may be an IPv6 address. */
export const urlOf = (host: string, port: number) => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** @param metrics Prometheus text of what the dispatch counts */
export async function openRoutes(
  dispatch: Dispatch,
  metrics: () => string | Promise<string>,
  { host, port, secret }: Config,
  log: Logger,
): Promise<Routes> {
  const counters = createHttpCounters();
  collectDefaultMetrics({ register: counters.registry });
  const journal = createJournal({
    dispatch: watchWork(dispatch, [measureWork(counters)]),
    problemOf: (thrown, id) => problemOf(thrown, log.child({ request: id })),
  });
  const app = createApp({ dispatch, journal, metrics, secret, log, counters });
  const server = await openServer({ app, host, port, counters });
  return { url: urlOf(host, server.port), close: () => server.close(LAST_READERS_MS) };
}
