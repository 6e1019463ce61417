/**
 * A facilitator and a payer of x402 for tests. What is sent to the one is read with the schemas of @x402/core, and the other is its
 * client; in place of a chain there is a set of nonces. Rules of the scheme by specs/schemes/upto/scheme_upto_evm.md.
 */
import { x402Client } from '@x402/core/client';
import { x402HTTPClient } from '@x402/core/http';
import { PaymentPayloadV2Schema, PaymentRequirementsV2Schema } from '@x402/core/schemas';
import type { PaymentRequired } from '@x402/core/types';
import type { StandIn } from './stand-ins.ts';

export const PAYER = '0x857b06519E91e3A54538791bDbb0E22373e36b66';
const FACILITATOR = '0x2222222222222222222222222222222222222222';
export const NETWORK = 'eip155:84532';

export const settings = {
  X402_PAY_TO: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  X402_NETWORK: NETWORK,
  X402_ASSET: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  X402_FACILITATOR_URL: 'https://facilitator.invalid/',
  X402_FACILITATOR_TOKEN: 'token',
};

interface Authorization {
  from: string;
  nonce: string;
  deadline: string;
  permitted: { token: string; amount: string };
  witness: { to: string; facilitator: string; validAfter: string };
}

/** A facilitator. `refuses`: why it takes no payment at /settle; `loseAnswers`: so many that reach the chain without a word. */
export function facilitator() {
  const state = { down: false, refuses: '', invalid: '', loseAnswers: 0, calls: [] as string[] };
  const settled = new Map<string, string>();
  const server: StandIn = async (request) => {
    const { pathname } = new URL(request.url);
    state.calls.push(pathname);
    if (state.down) throw new Error('connection refused');
    if (request.headers.get('authorization') !== 'Bearer token') return new Response('{}', { status: 401 });
    if (pathname === '/supported') {
      const kind = { x402Version: 2, network: NETWORK };
      const kinds = [
        { ...kind, scheme: 'exact' },
        { ...kind, scheme: 'upto', extra: { facilitatorAddress: FACILITATOR } },
      ];
      return Response.json({ kinds, extensions: [], signers: { 'eip155:*': [FACILITATOR] } });
    }
    const { x402Version, paymentPayload, paymentRequirements } = (await request.json()) as Record<string, unknown>;
    const payload = PaymentPayloadV2Schema.parse(paymentPayload);
    const required = PaymentRequirementsV2Schema.parse(paymentRequirements);
    if (x402Version !== 2) throw new Error('another version');
    const authorization = payload.payload.permit2Authorization as Authorization;
    const { from: payer, nonce, permitted, witness } = authorization;
    const right =
      payload.payload.signature === signatureOf(authorization) &&
      permitted.token === required.asset &&
      witness.to === required.payTo &&
      witness.facilitator === FACILITATOR;
    const base = { network: required.network, payer };
    if (pathname === '/verify') {
      const reason = state.invalid || (right && permitted.amount === required.amount ? '' : 'invalid_upto_evm_payload');
      return Response.json({ isValid: reason === '', payer, ...(reason && { invalidReason: reason }) });
    }
    const exceeds = BigInt(required.amount) > BigInt(permitted.amount);
    const used = settled.has(String(BigInt(nonce)));
    const reason =
      state.refuses || (right && !exceeds ? '' : 'invalid_payload') || (used ? 'permit2_invalid_nonce' : '');
    if (reason !== '') return Response.json({ success: false, errorReason: reason, transaction: '', ...base });
    settled.set(String(BigInt(nonce)), required.amount);
    if (state.loseAnswers-- > 0) throw new Error('connection reset');
    return Response.json({ success: true, transaction: `0x${'ab'.repeat(32)}`, amount: required.amount, ...base });
  };
  return { state, server, settled };
}

/** In place of a signature: nobody can make it for other terms than these, as far as these tests go. */
function signatureOf({ from, nonce, deadline, permitted, witness }: Authorization): string {
  return `signed ${[from, BigInt(nonce), deadline, permitted.token, permitted.amount, witness.to, witness.facilitator]}`;
}

let nonces = 0n;

export interface Terms {
  amount?: string;
  nonce?: string;
  /** Unix seconds. */
  deadline?: string;
  from?: string;
  payTo?: string;
}

/** The client of @x402/core, with a scheme that signs these terms. */
export function payer(terms: Terms = {}): x402HTTPClient {
  const client = new x402Client();
  client.setSpendControls(false);
  client.register(NETWORK, {
    scheme: 'upto',
    async createPaymentPayload(x402Version, required) {
      const seconds = Math.floor(Date.now() / 1000) + required.maxTimeoutSeconds;
      const authorization: Authorization & Record<string, unknown> = {
        from: terms.from ?? PAYER,
        permitted: { token: required.asset, amount: terms.amount ?? required.amount },
        spender: '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002',
        nonce: terms.nonce ?? String(++nonces),
        deadline: terms.deadline ?? String(seconds),
        witness: {
          to: terms.payTo ?? required.payTo,
          facilitator: String(required.extra.facilitatorAddress),
          validAfter: '0',
        },
      };
      return { x402Version, payload: { signature: signatureOf(authorization), permit2Authorization: authorization } };
    },
  });
  return new x402HTTPClient(client);
}

/** The header that pays for what is required. `accepted`: other terms than were asked for. */
export async function pay(
  required: PaymentRequired,
  terms: Terms = {},
  accepted: object = {},
): Promise<Record<string, string>> {
  const client = payer(terms);
  const payload = await client.createPaymentPayload(required);
  return client.encodePaymentSignatureHeader({ ...payload, accepted: { ...payload.accepted, ...accepted } });
}
