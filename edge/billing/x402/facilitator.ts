/** The facilitator: a service that checks payments and brings them to the chain (x402 specification 2, section 7). */
import { problem } from '../../../shared/contract/problem.ts';
import { log } from '../../watching/log.ts';
import { RECEIVER_TIMEOUT_MS } from '../adapter.ts';
import {
  type PaymentPayload,
  type Requirements,
  SCHEME,
  type SettleResponse,
  VERSION,
  type X402Settings,
} from './wire.ts';

export interface VerifyResponse {
  readonly isValid: boolean;
  readonly invalidReason?: string;
  readonly payer?: string;
}

interface Kind {
  readonly x402Version: number;
  readonly scheme: string;
  readonly network: string;
  readonly extra?: { readonly facilitatorAddress?: unknown };
}

/** For so long what a facilitator supports is remembered, in the memory of the isolate. */
const REMEMBER_MS = 600_000;
const remembered = new Map<string, { readonly address: string; readonly until: number }>();

/**
 * The address that payments must name, so that nobody but this facilitator can settle them.
 * @throws ProblemError `upstream_failed`, and `not_configured` where it does not support scheme and network
 */
export async function facilitatorAddress(settings: X402Settings): Promise<string> {
  const { facilitator, network } = settings;
  const known = remembered.get(`${facilitator} ${network}`);
  if (known !== undefined && Date.now() < known.until) return known.address;
  const { kinds } = (await call(settings, '/supported')) as { readonly kinds?: readonly Kind[] };
  const kind = kinds?.find((one) => one.x402Version === VERSION && one.scheme === SCHEME && one.network === network);
  const address = kind?.extra?.facilitatorAddress;
  if (typeof address !== 'string') {
    log('error', 'the facilitator does not support what is configured', { facilitator, scheme: SCHEME, network });
    throw problem('not_configured', 'Payments for single requests are not possible here at the moment.');
  }
  remembered.set(`${facilitator} ${network}`, { address, until: Date.now() + REMEMBER_MS });
  return address;
}

/** @throws ProblemError `upstream_failed` */
export async function verify(
  settings: X402Settings,
  paymentPayload: PaymentPayload,
  paymentRequirements: Requirements,
): Promise<VerifyResponse> {
  const body = { x402Version: VERSION, paymentPayload, paymentRequirements };
  const answer = (await call(settings, '/verify', body)) as Partial<VerifyResponse>;
  if (typeof answer.isValid === 'boolean') return answer as VerifyResponse;
  throw failed('/verify', 'an answer that cannot be read');
}

/** @throws ProblemError `upstream_failed`: then nobody knows whether it is settled */
export async function settle(
  settings: X402Settings,
  paymentPayload: PaymentPayload,
  paymentRequirements: Requirements,
): Promise<SettleResponse> {
  const body = { x402Version: VERSION, paymentPayload, paymentRequirements };
  const answer = (await call(settings, '/settle', body)) as Partial<SettleResponse>;
  if (typeof answer.success === 'boolean') return answer as SettleResponse;
  throw failed('/settle', 'an answer that cannot be read');
}

/** A refusal is an answer, whatever its status. */
async function call({ facilitator, token }: X402Settings, path: string, body?: object): Promise<object> {
  try {
    const response = await fetch(`${facilitator}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(RECEIVER_TIMEOUT_MS),
    });
    const answer: unknown = await response.json();
    return answer !== null && typeof answer === 'object' ? answer : {};
  } catch (error) {
    throw failed(path, String(error));
  }
}

function failed(path: string, error: string) {
  log('error', 'the facilitator failed', { path, error });
  return problem('upstream_failed', 'The payment could not be checked; try again.', { retryAfter: 2 });
}
