import { describe, expect, it } from 'vitest';
import type { NumberedEvent } from '../../../shared/contract/stream.ts';
import { tinySession } from '../tiny-model.ts';
import { appOf, eventsOf, jobOf, signedPost, signedWithoutBody } from './service.ts';

const slow = () => tinySession(() => new Promise((done) => setTimeout(done, 5)));
const job = (steps: number, changes: object = {}) => ({
  ...jobOf({ template: `{{a:tokens=${steps}}}`, diffusion: { steps } }),
  ...{ owner: 'account', resume_ms: 2_000 },
  ...changes,
});

function service(options: Parameters<typeof appOf>[0] = {}) {
  const parts = appOf(options);
  const ask = async (method: string, path: string) => parts.app.request(path, await signedWithoutBody(method, path));
  return { ...parts, ask, post: async (job: object) => parts.app.request('/generate', await signedPost(job)) };
}

async function read(response: Response, until = (_: NumberedEvent) => false): Promise<NumberedEvent[]> {
  const all: NumberedEvent[] = [];
  for await (const event of eventsOf(response)) {
    all.push(event);
    if (until(event)) break;
  }
  return all;
}

describe('GET /jobs/{id}/work', () => {
  it('says of a finished job what its usage says', async () => {
    const { ask, post } = service();
    const sent = job(6, { request: { ...job(6).request, n: 3 } });
    const events = await read(await post(sent));
    const usages = events.flatMap((event) => (event.type === 'done' ? [event] : []));
    expect(usages).toHaveLength(3);
    const work = await (await ask('GET', `/jobs/${sent.id}/work?owner=account`)).json();
    expect(work).toMatchObject({ id: sent.id, state: 'ended', outcome: 'done' });
    const sorted = usages.sort((a, b) => a.index - b.index);
    expect(work.texts).toEqual(
      sorted.map(({ usage: { positions, denoising_steps } }) => ({ positions, denoising_steps })),
    );
  });

  it('says of a refused job that it was a problem and did nothing', async () => {
    const { ask, post } = service();
    const refused = job(6, { request: { ...job(6).request, model: 'none' } });
    expect((await post(refused)).status).toBe(404);
    const work = await (await ask('GET', `/jobs/${refused.id}/work?owner=account`)).json();
    expect(work).toEqual({ id: refused.id, state: 'ended', outcome: 'problem', texts: [] });
  });

  it('says of a job while it runs how far it is', async () => {
    const { ask, post } = service({ session: slow() });
    const sent = job(30);
    const body = (await post(sent)).body!.getReader();
    for (let n = 0; n < 6; n++) await body.read();
    const work = await (await ask('GET', `/jobs/${sent.id}/work?owner=account`)).json();
    expect(work.state).toBe('running');
    expect(work.texts[0].denoising_steps).toBeGreaterThanOrEqual(5);
    await body.cancel();
  });
});

describe('DELETE /jobs/{id}', () => {
  it('ends a job that would have waited for its reader, and says the steps that ran', async () => {
    const { ask, post, session } = service({ session: slow() });
    const sent = job(60);
    await read(await post(sent), ({ seq }) => seq === 4);
    const response = await ask('DELETE', `/jobs/${sent.id}?owner=account`);
    const work = await response.json();
    expect(work).toMatchObject({ state: 'ended', outcome: 'left' });
    const [{ denoising_steps: steps }] = work.texts;
    expect(steps).toBeGreaterThanOrEqual(4);
    expect(steps).toBeLessThanOrEqual(session.calls.length);
    const { length } = session.calls;
    await new Promise((done) => setTimeout(done, 30));
    expect(session.calls.length).toBe(length);
    const path = `/jobs/${sent.id}/events?owner=account&after=4`;
    expect((await ask('GET', path)).status).toBe(410);
    expect((await post(sent)).status).toBe(410);
  });
});

describe('both', () => {
  it.each([
    ['GET', (id: string) => `/jobs/${id}/work?owner=other`, 410, 'stream_gone'],
    ['DELETE', (id: string) => `/jobs/${id}?owner=other`, 410, 'stream_gone'],
    ['GET', () => '/jobs/gen_none/work?owner=account', 410, 'stream_gone'],
    ['DELETE', () => '/jobs/gen_none?owner=account', 410, 'stream_gone'],
    ['GET', (id: string) => `/jobs/${id}/work`, 400, 'invalid_request'],
    ['DELETE', (id: string) => `/jobs/${id}`, 400, 'invalid_request'],
    ['DELETE', (id: string) => `/jobs/${id}/work?owner=account`, 405, 'method_not_allowed'],
  ])('%s refuses what is not there or not his', async (method, pathOf, status, code) => {
    const { ask, post } = service();
    const sent = job(3);
    await read(await post(sent));
    const response = await ask(method, pathOf(sent.id));
    expect([response.status, (await response.json()).code]).toEqual([status, code]);
  });

  it('are signed with method and query', async () => {
    const { app, http } = service();
    const path = '/jobs/gen_1?owner=account';
    const wrong = { ...(await signedWithoutBody('GET', path)), method: 'DELETE' };
    expect((await app.request(path, wrong)).status).toBe(401);
    expect(http.value('signatures_refused', { reason: 'wrong' })).toBe(1);
  });
});
