import { describe, expect, it } from 'vitest';
import type { NumberedEvent } from '../../../shared/contract/stream.ts';
import { tinySession } from '../tiny-model.ts';
import { appOf, eventsOf, jobOf, signedGet, signedPost } from './service.ts';

const STEPS = 8;
const streamed = () => ({
  ...jobOf({ template: `{{a:tokens=${STEPS}}}`, diffusion: { steps: STEPS } }),
  owner: 'account',
  resume_ms: 2_000,
});

async function read(response: Response, until = (_: NumberedEvent) => false): Promise<NumberedEvent[]> {
  const all: NumberedEvent[] = [];
  for await (const event of eventsOf(response)) {
    all.push(event);
    if (until(event)) break;
  }
  return all;
}

describe('GET /jobs/{id}/events', () => {
  it('goes on where a reader left, without a repeated or missing event, and the work rests meanwhile', async () => {
    const { app, session, http } = appOf({ session: tinySession(() => new Promise((done) => setTimeout(done, 5))) });
    const job = streamed();
    const seen = await read(await app.request('/generate', await signedPost(job)), ({ seq }) => seq === 3);
    await new Promise((done) => setTimeout(done, 30));
    const evaluations = session.calls.length;
    expect(evaluations).toBeLessThanOrEqual(4);
    await new Promise((done) => setTimeout(done, 50));
    expect(session.calls).toHaveLength(evaluations);
    const path = `/jobs/${job.id}/events?owner=account&after=3`;
    const rest = await read(await app.request(path, await signedGet(path)));
    const all = [...seen, ...rest];
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: STEPS + 2 }, (_, n) => n));
    expect(all.flatMap((event) => (event.type === 'step' ? [event.step] : []))).toHaveLength(STEPS);
    expect(all.at(-1)?.type).toBe('done');
    expect(session.calls).toHaveLength(STEPS);
    expect(http.value('streams_resumed')).toBe(1);
  });

  it('gives all of it to who says no number, nothing to who has seen all', async () => {
    const { app } = appOf();
    const job = streamed();
    const all = await read(await app.request('/generate', await signedPost(job)));
    const whole = `/jobs/${job.id}/events?owner=account`;
    expect(await read(await app.request(whole, await signedGet(whole)))).toEqual(all);
    const none = `${whole}&after=${all.length - 1}`;
    const response = await app.request(none, await signedGet(none));
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it.each([
    ['another owner', (id: string) => `/jobs/${id}/events?owner=other&after=0`, 410, 'stream_gone'],
    ['an unknown job', () => '/jobs/gen_none/events?owner=account&after=0', 410, 'stream_gone'],
    ['no owner', (id: string) => `/jobs/${id}/events?after=0`, 400, 'invalid_request'],
    ['no number', (id: string) => `/jobs/${id}/events?owner=account&after=x`, 400, 'invalid_request'],
  ])('refuses %s', async (_name, pathOf, status, code) => {
    const { app } = appOf();
    const job = streamed();
    await read(await app.request('/generate', await signedPost(job)));
    const path = pathOf(job.id);
    const response = await app.request(path, await signedGet(path));
    expect([response.status, (await response.json()).code]).toEqual([status, code]);
  });

  it('is signed with its query', async () => {
    const { app, http } = appOf();
    const signed = await signedGet('/jobs/gen_1/events?owner=a&after=0');
    const response = await app.request('/jobs/gen_1/events?owner=b&after=0', signed);
    expect(response.status).toBe(401);
    expect(http.value('signatures_refused', { reason: 'wrong' })).toBe(1);
  });
});
