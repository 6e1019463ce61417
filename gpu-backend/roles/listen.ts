/**
 * An app on a port.
 */
import { type ServerType, serve } from '@hono/node-server';
import type { Config } from '../config.ts';

export interface Listening {
  readonly server: ServerType;
  /** http://host:port, with the port that was free where 0 was asked for. */
  readonly url: string;
}

export function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: Pick<Config, 'host' | 'port'>,
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port }, (info) => {
      resolve({ server, url: `http://${host.includes(':') ? `[${host}]` : host}:${info.port}` });
    });
    server.once('error', reject);
  });
}
