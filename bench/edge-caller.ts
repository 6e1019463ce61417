/** Requests over connections that are kept, for the bench `edge`: as plain as Node has them, so that little but the way is timed. */
import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export type Send = (path: string, headers: Readonly<Record<string, string>>, body: string) => Promise<Answer>;

/** A caller of an address; `close` lets its connections go. */
export function createCaller(url: string): { readonly send: Send; close(): void } {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    send: (path, headers, body) =>
      new Promise((resolve, reject) => {
        const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
        const asked = request({ agent, hostname, port, path, method: 'POST', headers: { ...headers, ...length } });
        asked.on('error', reject);
        asked.on('response', (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const { statusCode: status = 0, headers: received } = response;
            resolve({ status, headers: received, body: Buffer.concat(parts).toString() });
          });
        });
        asked.end(body);
      }),
    close: () => agent.destroy(),
  };
}
