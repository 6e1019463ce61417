/**
 * The inference service: configuration, models, routes, and an orderly end.
 */
import { pathToFileURL } from 'node:url';
import { type ServerType, serve } from '@hono/node-server';
import { type Logger, pino } from 'pino';
import { checkText } from './check.ts';
import { type Config, readConfig } from './config.ts';
import { inlineDispatch } from './dispatch/inline.ts';
import { createCounters } from './engine/counters.ts';
import { type Check, createEngine } from './engine/engine.ts';
import { createApp } from './http/app.ts';
import { openModel } from './model/registry.ts';

// What is under way at SIGTERM has this long to end; orchestrators kill after 30 s by default.
const GRACE_MS = 25_000;

export interface Service {
  /** http://host:port, with the port that was free where 0 was asked for. */
  readonly url: string;
  /** Resolves when the models are loaded; rejects when one cannot be. */
  readonly ready: Promise<void>;
  /** Takes no new work, lets what is under way end, closes. */
  stop(): Promise<void>;
}

/**
 * Starts the service. It listens at once and is ready when its models are loaded.
 *
 * @param check the independent check of finished texts
 */
export async function startService(config: Config, check: Check, log: Logger): Promise<Service> {
  const counters = createCounters();
  const opening = Promise.all(config.models.map((folder) => openModel(folder, config)));
  const engine = opening.then((models) => createEngine({ models, check, counters }));
  const dispatch = inlineDispatch(engine);
  const app = createApp({ dispatch, counters, secret: config.secret, log });
  const { server, port } = await listen(app.fetch, config);
  const ready = engine.then(({ models }) => {
    log.info({ models: models.map(({ id, revision }) => `${id}@${revision}`) }, 'ready');
  });
  ready.catch(() => {}); // the caller sees it; here it must not end the process before he does
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    ready,
    async stop() {
      await dispatch.drain(GRACE_MS); // still listening, so that /readyz can say so
      await new Promise((resolve) => server.close(resolve));
      for (const model of await opening.catch(() => [])) await model.session.release();
    },
  };
}

function listen(fetch: (request: Request) => Response | Promise<Response>, { host, port }: Config) {
  return new Promise<{ server: ServerType; port: number }>((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port }, (info) => resolve({ server, port: info.port }));
    server.once('error', reject);
  });
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel });
  const service = await startService(config, checkText, log);
  log.info({ url: service.url }, 'listening');
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'draining');
    await service.stop();
    log.info('stopped');
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  await service.ready;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((reason: unknown) => {
    console.error(reason instanceof Error ? reason.message : reason);
    process.exit(1);
  });
}
