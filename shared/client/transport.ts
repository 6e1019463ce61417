/** One call of the API: its headers, its tries, and the error it ends in. */
import { errorOf, MaskwrightError, noAnswer } from './error.ts';

export interface TransportOptions {
  /** 'sk_live_...' or 'sk_test_...' on servers; 'pk_live_...' in browsers. */
  readonly key: string;
  /** Of the API. */
  readonly url: string;
  /** Tries beyond the first, for what may be over soon. */
  readonly retries: number;
  readonly fetch: typeof fetch;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Whether the same call may be sent again without harm. */
  readonly repeatable: boolean;
}

export type Transport = (call: Call) => Promise<Response>;

/** Statuses behind which another try may succeed; 409 is an Idempotency-Key whose first request still runs. */
const AGAIN: ReadonlySet<number> = new Set([408, 409, 429, 500, 502, 503, 504]);
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
/** A server that asks for more is not waited for. */
const LONGEST_ASKED_MS = 60_000;

/** @returns a function that resolves to a success; @throws MaskwrightError from it, or the signal's reason */
export function createTransport({ key, url, retries, fetch: send }: TransportOptions): Transport {
  return async function call({ method = 'GET', path, body, headers, signal, repeatable }) {
    for (let attempt = 0; ; attempt++) {
      const error = await once();
      if (!(error instanceof MaskwrightError)) return error;
      const wait = waitOf(error, attempt);
      if (!repeatable || attempt >= retries || wait === undefined) throw error;
      await pause(wait, signal);
    }

    async function once(): Promise<Response | MaskwrightError> {
      signal?.throwIfAborted();
      try {
        const response = await send(new URL(path, url), {
          method,
          signal,
          headers: {
            authorization: `Bearer ${key}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return response.ok ? response : await errorOf(response);
      } catch (cause) {
        signal?.throwIfAborted();
        return noAnswer(`${method} ${path} was not answered.`, cause);
      }
    }
  };
}

/** Milliseconds until the next try; undefined where there is no use in one. Doubled each time, and never the same for two clients. */
function waitOf({ status, retryAfter }: MaskwrightError, attempt: number): number | undefined {
  if (status !== 0 && !AGAIN.has(status)) return undefined;
  if (retryAfter !== undefined) return retryAfter * 1000 <= LONGEST_ASKED_MS ? retryAfter * 1000 : undefined;
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.75 + 0.5 * Math.random());
}

/** @throws the signal's reason, at once when it aborts */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    function done() {
      signal?.removeEventListener('abort', stop);
      resolve();
    }
    signal?.addEventListener('abort', stop, { once: true });
  });
}
