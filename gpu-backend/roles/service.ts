/**
 * The role `service`: the routes in this thread, engine and models in one of their own. The default, with nothing to install.
 */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { createApp } from '../http/app.ts';
import { startEngineThread } from './engine-thread.ts';
import { listen } from './listen.ts';
import type { Service } from './role.ts';

/** It listens at once and is ready when its models are loaded. */
export async function startService(config: Config, log: Logger): Promise<Service> {
  const { device, precision } = config;
  const engine = startEngineThread(config);
  const { dispatch } = engine;
  const app = createApp({ dispatch, metrics: dispatch.metrics, secret: config.secret, log });
  const { server, url } = await listen(app.fetch, config);
  const ready = dispatch.ready.then(() => {
    log.info({ device, precision, models: dispatch.models().map(({ id, revision }) => `${id}@${revision}`) }, 'ready');
  });
  ready.catch(() => {}); // the caller sees it; here it must not end the process before he does
  return {
    url,
    ready,
    ended: engine.ended,
    async stop() {
      await dispatch.drain(config.graceS * 1000); // still listening, so that /readyz can say so
      await new Promise((resolve) => server.close(resolve));
      await engine.stop();
    },
  };
}
