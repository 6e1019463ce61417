/**
 * Who may ask: the signature of a request, checked in the order of what it costs.
 */
import type { Context } from 'hono';
import { ProblemError } from '../../shared/contract/problem.ts';
import {
  checkSignatureHeaders,
  SIGNATURE_HEADER,
  TIME_HEADER,
  verifyRequest,
} from '../../shared/contract/signature.ts';
import type { HttpCounters, SignatureFault } from './counters.ts';
import { createReplayGuard } from './replay.ts';

export interface VerifierOptions {
  /** The secret that edge and backend share. */
  readonly secret: string;
  readonly counters: HttpCounters;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Verifies a request and gives its body, which `read` reads once nothing in the headers speaks against it.
 * @throws ProblemError bad_signature; overloaded when too many signatures are remembered; what `read` throws
 */
export type Verifier = (c: Context, read: () => Promise<Uint8Array>) => Promise<Uint8Array>;

export function createVerifier({ secret, counters, now }: VerifierOptions): Verifier {
  const replays = createReplayGuard();
  return async function verify(c, read) {
    const given = { time: c.req.header(TIME_HEADER), signature: c.req.header(SIGNATURE_HEADER) };
    const { time, signature = '' } = given;
    const refusedFor = async (reason: SignatureFault, check: () => unknown) => {
      try {
        await check();
      } catch (thrown) {
        if (thrown instanceof ProblemError && thrown.problem.code === 'bad_signature') {
          counters.add('signatures_refused', 1, { reason });
        }
        throw thrown;
      }
    };
    const missing = time === undefined || given.signature === undefined;
    await refusedFor(missing ? 'missing' : 'stale', () => checkSignatureHeaders(given, now()));
    await refusedFor('replayed', () => replays.check(signature, now()));
    const body = await read();
    const { pathname, search } = new URL(c.req.url);
    const request = { method: c.req.method, path: pathname + search, body };
    // The body may have come slowly: the time stamp has to hold still.
    await refusedFor('wrong', () => verifyRequest(secret, request, given, now()));
    await refusedFor('replayed', () => replays.once(signature, now()));
    return body;
  };
}
