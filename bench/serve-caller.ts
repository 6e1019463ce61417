/**
 * Callers of the service that cost little themselves: they share the cores with it. What comes is kept as it is and read later.
 */
import { Agent, request as send } from 'node:http';
import type { MixedRequest } from './serve-mix.ts';
import { jobHeaders } from './service.ts';

/** What came back for one job. Times are milliseconds of performance.now(). */
export interface Call {
  readonly request: MixedRequest;
  /** Of the last try: those before were answered with 429. */
  readonly id: string;
  readonly status: number;
  /** The body as it came, as far as it came. */
  readonly body: string;
  /** Why the connection broke, where it did. */
  readonly broken?: string;
  /** Tries that were answered with 429. */
  readonly refusals: number;
  /** When the job was first sent, refused or not. */
  readonly asked: number;
  /** When the try that was not refused was sent. */
  readonly sent: number;
  readonly ended: number;
}

const TOO_MANY = 429;

interface Answer extends Pick<Call, 'status' | 'body' | 'broken'> {
  readonly retryAfter: number;
}

export interface Callers {
  /** One job from its first try to the end of its answer; waits as long as the service says where it is refused. */
  call(request: MixedRequest, id: string): Promise<Call>;
  close(): void;
}

export function createCallers(url: string, connections: number): Callers {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });

  async function post(body: string): Promise<Answer> {
    const headers = { ...(await jobHeaders(body)), 'content-length': String(Buffer.byteLength(body)) };
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let status = 0;
      let retryAfter = 0;
      const end = (broken?: string) =>
        resolve({
          status,
          retryAfter,
          body: Buffer.concat(chunks).toString(),
          ...(broken === undefined ? {} : { broken }),
        });
      send(`${url}/generate`, { method: 'POST', headers, agent }, (response) => {
        status = response.statusCode ?? 0;
        retryAfter = Number(response.headers['retry-after'] ?? 0);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => end());
        response.once('error', (reason) => end(reason.message));
      })
        .once('error', (reason) => end(reason.message))
        .end(body);
    });
  }

  return {
    async call(request, id) {
      const asked = performance.now();
      for (let refusals = 0; ; refusals++) {
        // A try that was refused had no effect; the next one is a request of its own, with a signature of its own.
        const attempt = refusals === 0 ? id : `${id}-${refusals}`;
        const sent = performance.now();
        const { retryAfter, ...answer } = await post(JSON.stringify({ id: attempt, request }));
        if (answer.status !== TOO_MANY) {
          return { request, id: attempt, ...answer, refusals, asked, sent, ended: performance.now() };
        }
        await new Promise((resolve) => setTimeout(resolve, 1_000 * retryAfter));
      }
    },
    close: () => agent.destroy(),
  };
}
