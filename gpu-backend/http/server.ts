/**
 * The app on a socket: how many connections there may be, and how slowly a request may come.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import type { HttpCounters } from './counters.ts';

export interface ServerLimits {
  /** Most open connections; what comes beyond is closed at once, without a byte. */
  readonly connections: number;
  /** Most of them that have not asked for anything yet. Beyond it the oldest of these is closed, so that whoever asks is heard. */
  readonly silent: number;
  /** Milliseconds from the start of a connection or of a request to the end of its headers. */
  readonly headersMs: number;
  /** Milliseconds from the start of a request to the end of its body. Answers take as long as they take. */
  readonly requestMs: number;
  /** Milliseconds from one look at these times to the next. */
  readonly checkMs: number;
  /** Bytes that may lie before a socket: a reader who takes fewer within the time for a stall has left. */
  readonly socketBytes: number;
}

const LIMITS: ServerLimits = {
  connections: 4_096,
  silent: 1_024,
  headersMs: 10_000,
  requestMs: 30_000,
  checkMs: 2_000,
  socketBytes: 16_384,
};

export interface ServerOptions {
  readonly app: Hono;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly counters: HttpCounters;
  readonly limits?: Partial<ServerLimits>;
}

export interface OpenServer {
  readonly port: number;
  /** Connections now. */
  connections(): Promise<number>;
  /** Takes no more connections and resolves when those there are have ended, after `graceMs` by force. */
  close(graceMs: number): Promise<void>;
}

/** Listens; rejects when the port cannot be had. */
export async function openServer({ app, host, port, counters, limits: given }: ServerOptions): Promise<OpenServer> {
  const limits = { ...LIMITS, ...given };
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
      highWaterMark: limits.socketBytes,
    },
  }) as Server;
  server.maxConnections = limits.connections;
  server.on('drop', () => counters.add('connections_refused'));
  boundSilent(server, limits.silent, () => counters.add('connections_refused'));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    counters.add('connections_broken', 1, { error: error.code ?? 'unknown' });
    refuse(error, socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

/** Closes the connection that has been silent longest where there are too many such. */
function boundSilent(server: Server, most: number, onRefused: () => void): void {
  const silent = new Set<Socket>(); // oldest first
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
    for (const oldest of silent) {
      if (silent.size <= most) break;
      silent.delete(oldest);
      oldest.destroy();
      onRefused();
    }
  });
  server.on('request', ({ socket }: IncomingMessage) => silent.delete(socket));
}

const STATUS_LINES: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** What is no request is answered with a status and nothing else; on a connection that has had an answer not even that. */
function refuse({ code = '' }: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writable && socket.bytesWritten === 0) {
    socket.write(`HTTP/1.1 ${STATUS_LINES[code] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
  }
  socket.destroySoon();
}
