/** Variables and secrets of what money meets outside: all optional, and each part is off until its own are given (docs/billing.md). */
export interface BillingSettings {
  /** 'sk_live_...' or a restricted key. A secret. */
  readonly STRIPE_SECRET_KEY?: string;
  /** Signs what Stripe tells us at /v1/webhooks/stripe; two, separated by a comma, while it is rolled. A secret. */
  readonly STRIPE_WEBHOOK_SECRET?: string;
  /** Name of the meter that usage goes to; without it none does. */
  readonly STRIPE_METER_EVENT_NAME?: string;
  /** Where Stripe's API is; the real one by default. */
  readonly STRIPE_API_URL?: string;
  /** Where CloudEvents are posted, in batches. */
  readonly CLOUDEVENTS_URL?: string;
  /** Sent there as `Authorization: Bearer`. A secret. */
  readonly CLOUDEVENTS_TOKEN?: string;
  /** Address that payments for single requests go to; without it nobody can pay so. */
  readonly X402_PAY_TO?: string;
  /** The chain, by CAIP-2: 'eip155:8453'. */
  readonly X402_NETWORK?: string;
  /** Contract of a dollar with six decimals, so that its unit is a micro-dollar. */
  readonly X402_ASSET?: string;
  /** Name and version of that contract as it signs them (EIP-712); 'USDC' and '2' by default. */
  readonly X402_ASSET_NAME?: string;
  readonly X402_ASSET_VERSION?: string;
  readonly X402_FACILITATOR_URL?: string;
  /** Sent there as `Authorization: Bearer`. A secret. */
  readonly X402_FACILITATOR_TOKEN?: string;
}
