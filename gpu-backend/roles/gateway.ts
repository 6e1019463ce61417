/**
 * The role `gateway`: the routes, whose engines are anywhere on NATS.
 */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { laterDispatch } from '../dispatch/later.ts';
import { openLink } from '../dispatch/nats/connection.ts';
import { createCounted } from '../dispatch/nats/counted.ts';
import { openGatewaySide } from '../dispatch/nats/gateway-side.ts';
import type { Service } from './role.ts';
import { openRoutes } from './routes.ts';

/** It listens at once, is ready when NATS answers and an engine is there, and tries for that as long as it takes. */
export async function startGateway(config: Config, log: Logger): Promise<Service> {
  const counted = createCounted();
  const opening = (async () => {
    const link = await openLink(config.nats, `maskwright-gateway@${hostname()}`, log);
    return { link, dispatch: await openGatewaySide({ link, config, counted, log }) };
  })();
  const dispatch = laterDispatch(
    opening.then((opened) => opened.dispatch),
    'not connected to NATS',
  );
  const routes = await openRoutes(dispatch, counted.exposition, config, log);
  const stopped = Promise.withResolvers<void>();
  const ready = opening.then(() => log.info('ready'));
  ready.catch(stopped.reject); // what NATS refuses now it will refuse again
  return {
    url: routes.url,
    ready,
    ended: stopped.promise,
    async stop() {
      stopped.resolve();
      await dispatch.drain(config.graceS * 1000); // still listening, so that /readyz can say so
      await routes.close(); // readers that are left find their streams at another gateway
      if (dispatch.opened === undefined) return;
      const { link, dispatch: side } = await opening;
      side.close();
      await link.close();
    },
  };
}
