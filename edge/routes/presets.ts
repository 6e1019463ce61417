import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import { PRESET_LIMITS } from '../../shared/contract/preset.ts';
import type { EdgeTypes } from '../env.ts';
import { authenticate } from '../middleware/authenticate.ts';
import { authenticateRun } from '../middleware/authenticate-run.ts';
import { jsonBody } from '../middleware/body.ts';
import { askedPreset } from '../presets/asked.ts';
import { createPreset, removePreset, replacePreset } from '../presets/change.ts';
import { unknownPreset } from '../presets/find.ts';
import { runPreset } from '../presets/run.ts';
import { shownPreset } from '../presets/shown.ts';
import { listPresets, readPreset, type StoredPreset } from '../presets/stored.ts';
import { reached } from '../reached.ts';
import { readPage, shownPage } from '../requests/query.ts';
import { generationAnswer } from './generations.ts';
import { actorOf } from './keys.ts';

/** `/v1/presets`: saved requests of an account and mode, managed by a key with the scope `presets`, run by pages. */
export function presetRoutes(): Hono<EdgeTypes> {
  return new Hono<EdgeTypes>()
    .post('/v1/presets', authenticate('presets'), jsonBody({ limit: PRESET_LIMITS.bodyBytes }), async (c) => {
      const asked = await askedPreset(c.env, c.var.body);
      return c.json(shownPreset(await createPreset(c.env, actorOf(c), c.var.caller, asked)), 201, NO_STORE);
    })
    .get('/v1/presets', authenticate('presets'), async (c) => {
      const page = readPage(c);
      const sought = { after: page.after, limit: page.limit + 1 };
      const presets = await reached('D1', () => listPresets(c.env.DB, c.var.caller, sought));
      return c.json(shownPage(presets.map(shownPreset), page), 200, NO_STORE);
    })
    .get('/v1/presets/:id', authenticate('presets'), async (c) =>
      c.json(shownPreset(await namedPreset(c)), 200, NO_STORE),
    )
    .put('/v1/presets/:id', authenticate('presets'), jsonBody({ limit: PRESET_LIMITS.bodyBytes }), async (c) => {
      const old = await namedPreset(c);
      const asked = await askedPreset(c.env, c.var.body, old.turnstile !== undefined);
      return c.json(shownPreset(await replacePreset(c.env, actorOf(c), old, asked)), 200, NO_STORE);
    })
    .delete('/v1/presets/:id', authenticate('presets'), async (c) => {
      await removePreset(c.env, actorOf(c), await namedPreset(c));
      return c.body(null, 204);
    })
    .post('/v1/presets/:id/runs', authenticateRun(), jsonBody({ limit: PRESET_LIMITS.runBodyBytes }), async (c) =>
      generationAnswer(c, await runPreset(c, c.req.param('id'))),
    );
}

const NO_STORE = { 'cache-control': 'no-store' };

/** The preset of the address, as D1 has it now. @throws ProblemError `unknown_preset` */
async function namedPreset(c: Context<EdgeTypes>): Promise<StoredPreset> {
  const id = c.req.param('id') ?? '';
  const found = await reached('D1', () => readPreset(c.env.DB, c.var.caller, id));
  if (found === undefined) throw unknownPreset(id);
  return found;
}
