/**
 * The nats-server of the tests. Where there is none: a failure in CI, elsewhere a loud word and no test.
 */
import { NATS_SERVER } from '../../../../scripts/local/nats-server.ts';

if (NATS_SERVER === undefined) {
  if (process.env.CI !== undefined)
    throw new Error('nats-server is not installed: the tests of many machines cannot run');
  console.warn(
    '\n*** nats-server is not installed: the tests of many machines are NOT run (apt-get install nats-server) ***\n',
  );
}

export { NATS_SERVER, type NatsServer, startNats } from '../../../../scripts/local/nats-server.ts';
