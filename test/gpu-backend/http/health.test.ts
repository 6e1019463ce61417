import { describe, expect, it } from 'vitest';
import { inlineDispatch } from '../../../gpu-backend/dispatch/inline.ts';
import { manifest } from '../tiny-model.ts';
import { appOf, jobOf, routesTo, signedPost } from './service.ts';

describe('the other routes', () => {
  it('say what models there are, as the edge needs it', async () => {
    const { app } = appOf();
    await new Promise((resolve) => setImmediate(resolve));
    const response = await app.request('/models');
    expect(await response.json()).toEqual([
      expect.objectContaining({ id: 'tiny', revision: manifest.revision, context: 128, longestTokenBytes: 5 }),
    ]);
  });

  it('are alive but not ready while models load, and refuse work with 503', async () => {
    const { app } = routesTo(inlineDispatch(new Promise(() => {})));
    expect((await app.request('/healthz')).status).toBe(200);
    const ready = await app.request('/readyz');
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'loading' }]);
    expect((await app.request('/models')).status).toBe(503);
    const refused = await app.request('/generate', await signedPost(jobOf({})));
    expect([refused.status, (await refused.json()).code]).toEqual([503, 'backend_unavailable']);
  });

  it('are ready once loaded, and count', async () => {
    const { app } = appOf();
    await new Promise((resolve) => setImmediate(resolve));
    expect((await app.request('/readyz')).status).toBe(200);
    await (await app.request('/generate', await signedPost(jobOf({ template: '{{a:tokens=2}}' })))).text();
    const metrics = await (await app.request('/metrics')).text();
    expect(metrics).toContain('# TYPE maskwright_texts_finished_total counter\nmaskwright_texts_finished_total 1\n');
    expect(metrics).toContain('maskwright_check_failures_total 0\n');
  });

  it('refuse an unknown route and a wrong method as problems', async () => {
    const { app } = appOf();
    const unknown = await app.request('/nothing');
    expect([unknown.status, (await unknown.json()).code]).toEqual([404, 'not_found']);
    const wrong = await app.request('/generate');
    expect([wrong.status, (await wrong.json()).code]).toEqual([405, 'method_not_allowed']);
  });
});
