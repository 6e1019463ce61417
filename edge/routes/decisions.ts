import { Hono } from 'hono/tiny';
import { LIMITS } from '../../shared/contract/generation.ts';
import { decisionAnswer } from '../answers/decision-answer.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticateOrPay } from '../middleware/authenticate-or-pay.ts';
import { jsonBody } from '../middleware/body.ts';
import { prepareDecision } from '../requests/prepare-decision.ts';
import { run } from '../run/run.ts';

/** `POST /v1/decisions`: questions over a state, answered with probabilities (shared/contract/decision.ts). */
export function decisionRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().post(
    '/v1/decisions',
    authenticateOrPay('decide'),
    jsonBody({ limit: LIMITS.bodyBytes }),
    async (c) => {
      const { job, cache, headers, events } = await run(c, c.var.body, prepareDecision);
      return c.json({ ...(await decisionAnswer(events, job)), cache }, 200, headers);
    },
  );
}
