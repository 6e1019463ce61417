import { Hono } from 'hono/tiny';
import { openCheckout, topUpSchema } from '../billing/checkout.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { jsonBody } from '../middleware/body.ts';
import { validate } from '../requests/validate.ts';

const BODY_BYTES = 16_384;

/** `POST /v1/top-ups`: a page to pay on; the money is there when Stripe says so (webhooks.ts). */
export function topUpRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().post(
    '/v1/top-ups',
    authenticate('billing'),
    jsonBody({ limit: BODY_BYTES }),
    async (c) => {
      const { account, mode } = c.var.caller;
      const request = c.req.header('idempotency-key') ?? c.var.requestId;
      const opened = await openCheckout(c.env, { account, mode, request }, validate(topUpSchema, c.var.body));
      return c.json(opened, 201, { 'cache-control': 'no-store' });
    },
  );
}
