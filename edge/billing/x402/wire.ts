/**
 * What x402 version 2 says over HTTP (https://github.com/x402-foundation/x402, specs/transports-v2/http.md), with the one scheme that is
 * spoken here: `upto` on EVM chains, by which a caller signs the most a request can cost and pays what it did cost.
 */
import type { Env } from '../../env.ts';

export const SCHEME = 'upto';
export const VERSION = 2;
export const REQUIRED_HEADER = 'PAYMENT-REQUIRED';
export const SIGNATURE_HEADER = 'PAYMENT-SIGNATURE';
export const RESPONSE_HEADER = 'PAYMENT-RESPONSE';

/** For so long a payment must be good: longer than the longest request, and some tries to settle. */
const MAX_TIMEOUT_S = 900;
/** A payload has some 1,500 characters. */
const LONGEST_HEADER = 16_384;

export interface Requirements {
  readonly scheme: string;
  /** CAIP-2: 'eip155:8453'. */
  readonly network: string;
  /** Units of the asset, in decimal digits: the most when it is verified, what it did cost when it is settled. */
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly extra: Readonly<Record<string, unknown>>;
}

/** `PAYMENT-SIGNATURE`, as far as it is read here; the facilitator reads all of it. */
export interface PaymentPayload {
  readonly x402Version: number;
  readonly accepted: Requirements;
  readonly payload: {
    readonly signature: string;
    readonly permit2Authorization: {
      readonly from: string;
      readonly nonce: string;
      /** Unix seconds. */
      readonly deadline: string;
    };
  };
}

/** `PAYMENT-RESPONSE`. */
export interface SettleResponse {
  readonly success: boolean;
  readonly transaction: string;
  readonly network: string;
  readonly payer?: string;
  readonly amount?: string;
  readonly errorReason?: string;
}

/** The settings of x402 where they are complete. */
export interface X402Settings {
  readonly payTo: string;
  readonly network: string;
  readonly asset: string;
  readonly name: string;
  readonly version: string;
  readonly facilitator: string;
  readonly token?: string;
}

/** @returns undefined where nobody can pay so */
export function x402Settings(env: Env): X402Settings | undefined {
  const { X402_PAY_TO: payTo, X402_NETWORK: network, X402_ASSET: asset, X402_FACILITATOR_URL: facilitator } = env;
  if (payTo === undefined || network === undefined || asset === undefined || facilitator === undefined)
    return undefined;
  const { X402_ASSET_NAME: name = 'USDC', X402_ASSET_VERSION: version = '2', X402_FACILITATOR_TOKEN: token } = env;
  return { payTo, network, asset, name, version, facilitator: facilitator.replace(/\/$/, ''), token };
}

/** What a payment must be. A unit of the asset is a micro-dollar. */
export function requirements(settings: X402Settings, facilitatorAddress: string, microDollars: number): Requirements {
  const { network, asset, payTo, name, version } = settings;
  return {
    ...{ scheme: SCHEME, network, amount: String(microDollars), asset, payTo, maxTimeoutSeconds: MAX_TIMEOUT_S },
    extra: { name, version, assetTransferMethod: 'permit2', facilitatorAddress },
  };
}

export function encodeHeader(value: object): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))));
}

/** A payment as it came, undefined where it cannot be read. */
export function readPayment(header: string): PaymentPayload | undefined {
  if (header.length > LONGEST_HEADER) return undefined;
  try {
    const bytes = Uint8Array.from(atob(header), (character) => character.charCodeAt(0));
    const payment = JSON.parse(new TextDecoder().decode(bytes)) as PaymentPayload;
    const { from, nonce, deadline } = payment.payload.permit2Authorization;
    const readable =
      payment.x402Version === VERSION &&
      isAddress(from) &&
      isWhole(nonce) &&
      isDecimal(deadline) &&
      isDecimal(payment.accepted.amount) &&
      typeof payment.payload.signature === 'string';
    return readable ? payment : undefined;
  } catch {
    return undefined;
  }
}

const isAddress = (value: unknown) => typeof value === 'string' && /^0x[0-9a-f]{40}$/i.test(value);
/** 256 bits, in decimal. */
const isDecimal = (value: unknown) => typeof value === 'string' && /^\d{1,78}$/.test(value);
/** In hexadecimal too. */
const isWhole = (value: unknown) => typeof value === 'string' && /^(\d{1,78}|0x[0-9a-f]{1,64})$/i.test(value);

/** What the chain lets be used once: the same however it is written. */
export function paymentId({ accepted, payload }: PaymentPayload): string {
  const { from, nonce } = payload.permit2Authorization;
  return `${accepted.network}:${from.toLowerCase()}:${BigInt(nonce)}`;
}

/** Whether a payment was signed for these requirements, or for more. */
export function accepts(payment: PaymentPayload, asked: Requirements): boolean {
  const { scheme, network, asset, payTo } = payment.accepted;
  const same = (a: unknown, b: string) => String(a).toLowerCase() === b.toLowerCase();
  return scheme === asked.scheme && network === asked.network && same(asset, asked.asset) && same(payTo, asked.payTo);
}
