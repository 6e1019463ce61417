/**
 * A nats-server with a store of its own, for tests and benches.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin'];

/** The program's path; undefined where the machine has none. */
export const NATS_SERVER = FOLDERS.map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));

export interface NatsServer {
  readonly url: string;
  /** Ends it, as a crash or in order, and starts it again with the same store and port. */
  restart(signal?: NodeJS.Signals, downMs?: number): Promise<void>;
  /** Ends it and forgets its store; `start` begins with an empty one. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<void> {
  for (const until = Date.now() + 10_000; ; ) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (reason) {
      if (Date.now() > until) throw reason;
      await sleep(20);
    } finally {
      socket.destroy();
    }
  }
}

/** @param parameters beyond those of port and store, as the program takes them */
export async function startNats(parameters: readonly string[] = []): Promise<NatsServer> {
  const program = NATS_SERVER;
  if (program === undefined) throw new Error('there is no nats-server');
  const store = await mkdtemp(join(tmpdir(), 'maskwright-nats-'));
  const port = await freePort();
  let child: ChildProcess;
  const start = async () => {
    const own = ['-js', '-sd', store, '-a', '127.0.0.1', '-p', String(port)];
    child = spawn(program, [...own, ...parameters], { stdio: 'ignore' });
    await answers(port);
  };
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  await start();
  return {
    start,
    url: `nats://127.0.0.1:${port}`,
    async restart(signal = 'SIGKILL', downMs = 0) {
      await end(signal);
      await sleep(downMs);
      await start();
    },
    async stop() {
      await end('SIGKILL');
      await rm(store, { recursive: true, force: true });
    },
  };
}
