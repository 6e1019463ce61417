/**
 * The role `service`: the routes in this thread, engine and models in one of their own. The default, with nothing to install.
 */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { startEngineThread } from './engine-thread.ts';
import type { Service } from './role.ts';
import { openRoutes } from './routes.ts';

/** It listens at once and is ready when its models are loaded. */
export async function startService(config: Config, log: Logger): Promise<Service> {
  const { device, precision } = config;
  const engine = startEngineThread(config, log);
  const { dispatch } = engine;
  const routes = await openRoutes(dispatch, dispatch.metrics, config, log);
  const ready = dispatch.ready.then(() => {
    log.info({ device, precision, models: dispatch.models().map(({ id, revision }) => `${id}@${revision}`) }, 'ready');
  });
  ready.catch(() => {}); // the caller sees it; here it must not end the process before he does
  return {
    url: routes.url,
    ready,
    ended: engine.ended,
    async stop() {
      await dispatch.drain(config.graceS * 1000); // still listening, so that /readyz can say so
      await routes.close();
      await engine.stop();
    },
  };
}
