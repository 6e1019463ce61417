import { Hono } from 'hono';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { readModels } from '../models.ts';

/** `GET /v1/models`: what can be asked for. */
export function modelRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>().get('/v1/models', authenticate('models'), async (c) => {
    const models = await readModels(c.env);
    return c.json({
      object: 'list',
      data: models.map((model) => ({ object: 'model', owned_by: 'maskwright', ...model })),
    });
  });
}
