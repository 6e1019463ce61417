/** A client that writes and reads bytes as it likes, where fetch would behave. */
import { connect, type Socket } from 'node:net';

/** A request as it goes over the wire. */
export function rawRequest(path: string, init: RequestInit): string {
  const body = String(init.body ?? '');
  const headers = { host: 'x', 'content-length': String(Buffer.byteLength(body)), ...(init.headers as object) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${init.method ?? 'GET'} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** A connection that has sent so much and reads nothing until it is told to. */
export function rawSocket(port: number, sent: string): Socket {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}); // what the server does to it is seen by `close`
  socket.pause();
  socket.write(sent);
  return socket;
}

/** A connection that reads a byte of the kernel's each `ms`. */
export function byteByByte(port: number, sent: string, ms: number): Socket {
  const onread = { buffer: Buffer.alloc(1), callback: () => false }; // false: no more until it is resumed
  const socket = connect({ port, host: '127.0.0.1', onread });
  socket.on('error', () => {});
  const timer = setInterval(() => socket.resume(), ms);
  socket.once('close', () => clearInterval(timer));
  socket.write(sent);
  return socket;
}

/** All that the server says until it ends the connection. */
export async function readToEnd(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.once('close', () => resolve());
  socket.resume();
  await promise;
  return text;
}
