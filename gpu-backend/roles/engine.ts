/**
 * The role `engine`: takes jobs from NATS in this thread, works on them in those of its engines, and answers orchestrators.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import type { Config } from '../config.ts';
import { type Link, openLink } from '../dispatch/nats/connection.ts';
import { createCounted } from '../dispatch/nats/counted.ts';
import { type EngineSide, startEngineSide } from '../dispatch/nats/engine-side.ts';
import { createHttpCounters } from '../http/counters.ts';
import { health } from '../http/health.ts';
import { measureRequests } from '../http/measure.ts';
import { openServer } from '../http/server.ts';
import { startEngines } from './engines.ts';
import type { Service } from './role.ts';
import { urlOf } from './routes.ts';

/** How long a step of a job that was handed over is waited for. */
const LAST_STEP_MS = 2_000;

/** It listens at once; it is ready when its models are loaded and NATS answers, and tries for that as long as it takes. */
export async function startEngine(config: Config, log: Logger): Promise<Service> {
  const counted = createCounted();
  const engines = startEngines(config, log);
  const { dispatch } = engines;
  let link: Link | undefined;
  let side: EngineSide | undefined;
  let draining = false;
  const unready = () => {
    if (draining) return 'draining';
    if (side === undefined || link === undefined || link.downMs() > 0)
      return dispatch.unready() ?? 'not connected to NATS';
    return dispatch.unready();
  };
  const counters = createHttpCounters();
  collectDefaultMetrics({ register: counters.registry });
  const expositions = () => Promise.all([counters.exposition(), counted.exposition(), dispatch.metrics()]);
  const metrics = async () => (await expositions()).join('');
  const app = new Hono()
    .use(measureRequests(counters))
    .route('/', health({ unready, states: dispatch.states }, metrics));
  const { host, port } = config;
  const server = await openServer({ app, host, port, counters });

  const ready = (async () => {
    // Both at once: neither needs the other.
    const [opened] = await Promise.all([openLink(config.nats, `maskwright-engine@${hostname()}`, log), dispatch.ready]);
    link = opened;
    if (draining) return;
    const { room } = await dispatch.load(); // nothing runs yet
    side = await startEngineSide({ link, config: config.nats, dispatch, room, counted, log });
    const models = dispatch.models().map(({ id, revision }) => `${id}@${revision}`);
    const { device, precision, engines: count, threads } = config;
    log.info({ device, precision, engines: count, threads, models, room }, 'ready');
  })();
  ready.catch(() => {}); // the caller sees it; here it must not end the process before he does
  return {
    url: urlOf(host, server.port),
    ready,
    ended: engines.ended,
    async stop() {
      draining = true;
      await side?.drain(config.graceS * 1000); // still listening, so that /readyz can say so
      await link?.close();
      // What is handed over ends here before its next step, and says so in the log.
      await Promise.race([dispatch.drain(0), sleep(LAST_STEP_MS, undefined, { ref: false })]);
      await server.close(0);
      await engines.stop();
    },
  };
}
