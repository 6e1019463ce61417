import { Hono } from 'hono/tiny';
import type { Origin } from '../../shared/contract/price.ts';
import { readModels } from '../backends/models.ts';
import type { EdgeTypes } from '../env.ts';
import { priceOfModel } from '../run/prices.ts';

/** How what is asked of an answer is computed from its `usage`, for people and, by its parts, for programs. */
const FORMULA = 'ceil(positions * denoising_steps * computed / 1000000)';

/** What each origin of an answer costs. */
const ORIGINS: Readonly<Record<Origin, string>> = {
  computed: `each text ${FORMULA}, from its own usage`,
  cached: '`cached` once for the whole answer, whatever its number of texts',
  joined: '`cached` once for the whole answer: an identical request of the account was under way and is waited for',
  replayed: 'nothing: the same answer again under its Idempotency-Key',
};

const NOTHING = [
  'a refusal: whatever is not a text, of any status from 400 to 499',
  'a failure of ours: any status from 500 on, and a stream that ends in a problem',
  'a stream that is taken up again, beyond what its request costs',
];

/** `GET /v1/prices`: what a text costs, for everybody to see. */
export function priceRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().get('/v1/prices', async (c) => {
    const models = await readModels(c.env);
    return c.json({
      object: 'prices',
      currency: 'usd',
      unit: 'micro_dollars',
      formula: FORMULA,
      origins: ORIGINS,
      reader_left: 'the denoising steps that had run when the work was ended, by the same formula',
      free: NOTHING,
      data: models.map(({ id }) => ({ object: 'price', model: id, ...priceOfModel(c.env.PRICES, id) })),
    });
  });
}
