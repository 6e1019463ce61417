/**
 * The connection to the NATS servers: it is never given up, and says when it is down.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import type { NatsConfig } from '../../config.ts';
import { createUntilAnswered, type UntilAnswered } from './until-answered.ts';

// A server that restarts is back within a second or two; whoever waits that long has lost nothing.
const RECONNECT_MS = 250;
const RECONNECT_JITTER_MS = 500;
// Silence of a server after which the connection is thought dead: two pings unanswered.
const PING_MS = 5_000;
const ANSWER_MS = 2_000;
const COMPLAINT_MS = 5_000;

export interface Link {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Asks the servers until they answer. */
  readonly untilAnswered: UntilAnswered;
  /** A message that nobody stores; nothing once the connection is closing. */
  say(subject: string, data?: string): void;
  /** Calls at each reconnection, until the returned function is called. */
  onReconnect(listener: () => void): () => void;
  /** For how many milliseconds there has been no connection; 0 while there is one. */
  downMs(): number;
  /** Sends what is still to be sent and closes. */
  close(): Promise<void>;
}

/** The library can wait too, but not say what for. */
async function firstConnection(options: ConnectionOptions, log: Logger): Promise<NatsConnection> {
  for (let complainAt = 0; ; ) {
    try {
      return await connect(options);
    } catch (reason) {
      if (Date.now() >= complainAt) {
        log.warn({ err: reason, servers: options.servers }, 'NATS cannot be reached yet');
        complainAt = Date.now() + COMPLAINT_MS;
      }
      await sleep(RECONNECT_MS + Math.random() * RECONNECT_JITTER_MS);
    }
  }
}

/** Connects, however long that takes. @param name what the servers show of this client */
export async function openLink({ servers, credentials }: NatsConfig, name: string, log: Logger): Promise<Link> {
  const nc = await firstConnection(
    {
      name,
      servers: [...servers],
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true, // credentials may be put right while we wait
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_JITTER_MS,
      reconnectJitterTLS: RECONNECT_JITTER_MS,
      pingInterval: PING_MS,
      maxPingOut: 2,
      noAsyncTraces: true,
      ...(servers.some((server) => server.startsWith('tls:')) ? { tls: {} } : {}),
      // Read at each attempt, so that renewed credentials are taken without a restart.
      ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(() => readFileSync(credentials)) }),
    },
    log,
  );
  let downSince: number | undefined;
  const listeners = new Set<() => void>();
  let reconnected = Promise.withResolvers<void>();
  void (async () => {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect') {
        downSince ??= Date.now();
        log.warn('the connection to NATS is lost');
      } else if (type === 'reconnect') {
        log.info({ server: nc.getServer(), ms: Date.now() - (downSince ?? Date.now()) }, 'connected to NATS again');
        downSince = undefined;
        reconnected.resolve();
        reconnected = Promise.withResolvers();
        for (const listener of [...listeners]) listener();
      }
    }
  })();
  log.info({ server: nc.getServer() }, 'connected to NATS');
  const options = { timeout: ANSWER_MS };
  return {
    nc,
    js: jetstream(nc, options),
    jsm: await jetstreamManager(nc, { ...options, checkAPI: false }),
    untilAnswered: createUntilAnswered(() => reconnected.promise),
    say(subject, data) {
      if (!nc.isClosed() && !nc.isDraining()) nc.publish(subject, data);
    },
    onReconnect(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    downMs: () => (downSince === undefined ? 0 : Date.now() - downSince),
    async close() {
      if (downSince !== undefined || nc.isClosed()) await nc.close();
      else await nc.drain();
    },
  };
}
