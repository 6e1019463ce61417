import { Hono } from 'hono/tiny';
import { problem } from '../../shared/contract/problem.ts';
import { type StripeEvent, takeEvent } from '../billing/stripe-events.ts';
import { verifyStripe } from '../billing/stripe-signature.ts';
import type { EdgeTypes } from '../env.ts';
import { readBytes } from '../middleware/body.ts';

/** Far more than an event of Stripe has. */
const BODY_BYTES = 1_048_576;

/** `POST /v1/webhooks/stripe`: what Stripe tells of payments. It sends again whatever is not answered with 2xx, for three days. */
export function webhookRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().post('/v1/webhooks/stripe', async (c) => {
    const secrets = c.env.STRIPE_WEBHOOK_SECRET;
    if (secrets === undefined) throw problem('not_configured', 'This deployment takes no events of Stripe.');
    const body = await readBytes(c.req.raw, BODY_BYTES);
    await verifyStripe(secrets, c.req.header('stripe-signature'), body);
    const outcome = await takeEvent(c.env, parseEvent(body));
    c.var.trace.root.set({ outcome });
    return c.json({ received: true, outcome });
  });
}

function parseEvent(body: Uint8Array): StripeEvent {
  try {
    const event = JSON.parse(new TextDecoder().decode(body)) as StripeEvent | null;
    if (event !== null && typeof event === 'object') return event;
  } catch {
    // Falls through: both are the same to the sender.
  }
  throw problem('malformed_json', 'The body is not an event.', { pointer: '' });
}
