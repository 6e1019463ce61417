/**
 * The role `service`: the routes in this thread, engines and models in threads of their own. The default, with nothing to install.
 */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { startEngines } from './engines.ts';
import type { Service } from './role.ts';
import { openRoutes } from './routes.ts';

/** It listens at once and is ready when its models are loaded. */
export async function startService(config: Config, log: Logger): Promise<Service> {
  const { device, precision, engines: count, threads } = config;
  const engines = startEngines(config, log);
  const { dispatch } = engines;
  const routes = await openRoutes(dispatch, dispatch.metrics, config, log);
  const ready = dispatch.ready.then(() => {
    const models = dispatch.models().map(({ id, revision }) => `${id}@${revision}`);
    log.info({ device, precision, engines: count, threads, models }, 'ready');
  });
  ready.catch(() => {}); // the caller sees it; here it must not end the process before he does
  return {
    url: routes.url,
    ready,
    ended: engines.ended,
    async stop() {
      await dispatch.drain(config.graceS * 1000); // still listening, so that /readyz can say so
      await routes.close();
      await engines.stop();
    },
  };
}
