import { Hono } from 'hono/tiny';
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { findModel, readModels } from '../backends/models.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from '../middleware/authenticate.ts';

/** `GET /v1/models`: what can be asked for, in OpenAI's shape with our members beside it; and one of them by its id. */
export function modelRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>()
    .get('/v1/models', authenticate('models'), async (c) => {
      const models = await readModels(c.env);
      return c.json({ object: 'list', data: models.map(shown) });
    })
    .get('/v1/models/:id', authenticate('models'), async (c) => {
      return c.json(shown(findModel(await readModels(c.env), c.req.param('id'))));
    });
}

/** OpenAI's clients expect a time of creation; a model folder does not say when it was made. */
const shown = (model: ModelSummary) => ({ object: 'model', owned_by: 'maskwright', created: 0, ...model });
