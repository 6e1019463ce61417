/** A slow network before the edge: events arrive one by one, and the connection may break. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, inject } from 'vitest';

export interface SlowNetwork {
  /** In place of the edge's own address. */
  readonly url: string;
  /** Events pass so many milliseconds after one another. */
  gapMs: number;
  /** Breaks off behind so many events. */
  cutBehind: number;
}

/** One network for the tests of a file. */
export function withSlowNetwork(): SlowNetwork {
  let server: Server;
  const network = { url: '', gapMs: 0, cutBehind: Number.POSITIVE_INFINITY };
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>;
      const { method } = request;
      const body = chunks.length === 0 ? undefined : Buffer.concat(chunks);
      const answer = await fetch(`${inject('url')}${request.url}`, { method, headers, body });
      const passed = [...answer.headers].filter(([name]) => /^(access-control-.*|content-type|vary)$/.test(name));
      response.writeHead(answer.status, Object.fromEntries(passed));
      const events = (await answer.text()).split(/(?<=\n\n)/);
      for (const [i, event] of events.entries()) {
        if (i >= network.cutBehind) return response.destroy();
        response.write(event);
        await new Promise((resolve) => setTimeout(resolve, network.gapMs));
      }
      return response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    network.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());
  return network;
}
