/** A purse for one request: a payment made for it, instead of an account. */
import { type Problem, ProblemError, problem } from '../../../shared/contract/problem.ts';
import type { Env } from '../../env.ts';
import type { Begin, Begun, Purse, Settled } from '../../ledger/protocol.ts';
import { reached } from '../../reached.ts';
import { log } from '../../watching/log.ts';
import { facilitatorAddress, verify } from './facilitator.ts';
import { addPayment, beginSettling, leavePayment, losePayment, paymentOf, releasePayment } from './payments.ts';
import { settlePayment } from './settlement.ts';
import {
  accepts,
  encodeHeader,
  type PaymentPayload,
  paymentId,
  type Requirements,
  readPayment,
  requirements,
  type SettleResponse,
  VERSION,
  type X402Settings,
} from './wire.ts';

/** A payment that is good for longer is tried to settle for so long. */
const LONGEST_MS = 86_400_000;

/** What is asked of a caller who pays. */
export interface Paying {
  readonly env: Env;
  readonly settings: X402Settings;
  /** Address of what is paid for. */
  readonly url: string;
  /** Whose job it is: an account that nobody else has. */
  readonly owner: string;
  /** The header `PAYMENT-SIGNATURE`. */
  readonly signature: string | undefined;
}

export interface PaidPurse extends Purse {
  /** What `PAYMENT-REQUIRED` says, where a payment is needed or another one is. */
  required(): string | undefined;
  /** Its settlement was refused and the answer not given: it is not tried again. */
  withheld(request: string): Promise<void>;
  /** What the facilitator said in the end; undefined where it said nothing. Where nothing was begun, there is no end to wait for. */
  readonly outcome: Promise<SettleResponse | undefined> | undefined;
}

export function paidPurse({ env, settings, url, owner, signature }: Paying): PaidPurse {
  const { promise: ended, resolve: end } = Promise.withResolvers<SettleResponse | undefined>();
  let required: string | undefined;
  let begun = false;

  /** Says what a payment must be. */
  function ask(asked: Requirements, detail: string): Begun {
    const resource = { url, description: 'A generated text', mimeType: 'application/json' };
    required = encodeHeader({ x402Version: VERSION, error: detail, resource, accepts: [asked] });
    return refusal({ code: 'payment_required', detail });
  }

  async function begin(asked: Begin): Promise<Begun> {
    if (begun) return { type: 'held' };
    const needed = requirements(settings, await facilitatorAddress(settings), asked.most);
    if (signature === undefined) {
      const detail = `A key (Authorization) or a payment of up to ${asked.most} micro-dollars (PAYMENT-SIGNATURE) is needed.`;
      return ask(needed, detail);
    }
    const payment = readPayment(signature);
    if (payment === undefined) return invalid('it cannot be read');
    if (!accepts(payment, needed)) return ask(needed, 'The payment is not one of those that are accepted.');
    if (BigInt(payment.accepted.amount) < BigInt(asked.most)) {
      return ask(
        needed,
        `The payment is of up to ${payment.accepted.amount} micro-dollars; ${asked.most} may be needed.`,
      );
    }
    return await hold(asked, payment, { ...needed, amount: payment.accepted.amount });
  }

  /** Whoever signed it, it is written down only when it is known to be his: nobody can use up the payments of others. */
  async function hold(asked: Begin, payment: PaymentPayload, needed: Requirements): Promise<Begun> {
    const now = Date.now();
    const deadline = Number(payment.payload.permit2Authorization.deadline) * 1000;
    const expires = Math.min(deadline, now + LONGEST_MS);
    const due = now + asked.holdMs;
    if (expires <= due)
      return invalid(`it ends before the request may: its deadline must be ${asked.holdMs / 1000} s away`);
    const { isValid, invalidReason } = await verify(settings, payment, needed);
    if (!isValid) return invalid(`the facilitator refuses it (${String(invalidReason).slice(0, 100)})`);
    const { request, job, model, most, price } = asked;
    const texts = { payload: JSON.stringify(payment), requirements: JSON.stringify(needed) };
    const times = { made: now, expires, due };
    const row = { id: paymentId(payment), request, job, owner, model, most, computed_price: price.computed };
    begun = await reached('D1', () => addPayment(env.DB, { ...row, ...texts, ...times }));
    return begun ? { type: 'held' } : invalid('it was used before');
  }

  async function settle(request: string, spent: { readonly amount: number; readonly work: number }): Promise<Settled> {
    try {
      const settling = await beginSettling(env.DB, request, spent, Date.now());
      if (settling !== null) end(await settlePayment(env, settings, settling));
      const charged = settling?.amount ?? (await paymentOf(env.DB, request))?.amount ?? 0;
      return { charged, balance: 0 };
    } finally {
      end(undefined);
    }
  }

  return {
    begin: (asked) => begin(asked).catch(refused),
    async have(asked, settlement) {
      const begun = await begin(asked).catch(refused);
      if (begun.type !== 'held') return begun;
      await settle(asked.request, settlement);
      return { type: 'had' };
    },
    settle,
    async settleSoon(request, spent) {
      await settle(request, spent);
    },
    async release(request) {
      await releasePayment(env.DB, request);
      end(undefined);
    },
    async leave(request, collectInMs) {
      await leavePayment(env.DB, request, Date.now() + collectInMs);
      end(undefined);
    },
    required: () => required,
    withheld: (request) => losePayment(env.DB, request),
    get outcome() {
      return begun ? ended : undefined;
    },
  };
}

function refusal(value: Problem): Begun {
  return { type: 'refused', problem: value };
}

function invalid(why: string): Begun {
  return refusal(problem('payment_invalid', `The payment in PAYMENT-SIGNATURE was not accepted: ${why}.`).problem);
}

function refused(thrown: unknown): Begun {
  if (thrown instanceof ProblemError) return refusal(thrown.problem);
  log('error', 'a payment could not be begun', { error: String(thrown) });
  throw thrown;
}
