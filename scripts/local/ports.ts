/** Ports of a local run. */
import { createServer } from 'node:net';

const HOST = '127.0.0.1';

/** Says whether a free port may be taken: false when another run of this checkout is about to. */
export type Claim = (port: number) => boolean;

/**
 * The port to use: the one the environment variable names, or the preferred one, or any that is free.
 * @throws Error when the variable is no port, or names one that is in use.
 */
export async function choosePort(variable: string, preferred: number, claim: Claim = () => true): Promise<number> {
  const given = process.env[variable];
  if (given !== undefined && given !== '') {
    const port = Number(given);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new Error(`${variable} must be a port from 1 to 65535; ${JSON.stringify(given)} was given.`);
    }
    if ((await listen(port)) !== undefined && claim(port)) return port;
    throw new Error(`Port ${port} (${variable}) is in use. Set ${variable} to another one, or unset it.`);
  }
  if ((await listen(preferred)) !== undefined && claim(preferred)) return preferred;
  // 0 is any free port; another run can have claimed it only by a rare coincidence.
  for (let attempt = 0; attempt < 10; attempt++) {
    const port = await listen(0);
    if (port !== undefined && claim(port)) return port;
  }
  throw new Error(`No port is free for ${variable}.`);
}

/** Listens on a port for a moment: the port it got, undefined when it is busy. */
function listen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, HOST, () => {
      const address = server.address();
      const got = address !== null && typeof address === 'object' ? address.port : undefined;
      server.close(() => resolve(got));
    });
  });
}
