/** What a preset may cost, and where it is seen what it did cost. */
import { describe, expect, it } from 'vitest';
import { consumed } from '../billing/bindings.ts';
import { MOST, metered, TEXT } from '../metered.ts';
import { makePreset, refusal, runOf } from './presets.ts';

/** Costs `MOST` at most, whoever it is about. */
const ABOUT = { request: { prompt: '{{var:who}}' }, variables: { who: {} } };

describe('the money of a preset in a day', () => {
  it('is what its runs did cost, and what is held for those under way', async () => {
    const running = await metered();
    const { id } = await makePreset(running, { ...ABOUT, daily_limit_micro_dollars: 2 * MOST });
    const spent = [];
    for (let i = 0; i < 3; i++) {
      spent.push((await runOf(running, id, { who: 'Ann' })).status);
      await running.settled();
    }
    // Three times the most do not fit, and are not needed: what was held comes back.
    expect(spent).toEqual([200, 200, 200]);
    const running_at_once = await Promise.all([1, 2, 3, 4].map(() => runOf(running, id, { who: 'Ann' })));
    expect(running_at_once.map(({ status }) => status).sort()).toEqual([200, 402, 402, 402]);
    const refused = running_at_once.find(({ status }) => status === 402)!;
    expect(await refusal(refused)).toEqual([402, 'spend_limit_reached', undefined]);
    expect(await running.charges()).toHaveLength(4);
  });

  it('of none makes it refuse every run, with nothing held', async () => {
    const running = await metered();
    const { id } = await makePreset(running, { ...ABOUT, daily_limit_micro_dollars: 0 });
    expect((await refusal(await runOf(running, id, { who: 'Ann' })))[1]).toBe('spend_limit_reached');
    expect(await running.ledger.balance()).toMatchObject({ held: 0 });
    expect(running.generations()).toBe(0);
  });

  it('is its own, and outlives its replacement', async () => {
    const running = await metered();
    const preset = await makePreset(running, { ...ABOUT, daily_limit_micro_dollars: MOST });
    const other = await makePreset(running, { ...ABOUT, daily_limit_micro_dollars: MOST });
    await runOf(running, preset.id, { who: 'Ann' });
    await running.settled();
    const { object: _, id: __, mode: ___, created_at: ____, ...same } = preset;
    await running.sendJson(`/v1/presets/${preset.id}`, running.key, same, 'PUT');
    expect((await runOf(running, preset.id, { who: 'Ann' })).status).toBe(402);
    expect((await runOf(running, other.id, { who: 'Ann' })).status).toBe(200);
  });

  it('too little for another text is enough for one that is kept', async () => {
    const running = await metered();
    const { id } = await makePreset(running, { ...ABOUT, variants: 1, daily_limit_micro_dollars: MOST });
    const who = crypto.randomUUID();
    for (const status of [200, 200, 200]) {
      expect((await runOf(running, id, { who })).status).toBe(status);
      await running.settled();
    }
    expect((await runOf(running, id, { who: 'somebody else' })).status).toBe(402);
    expect((await running.charges()).map(({ kind }) => kind)).toEqual(['computed', 'cached', 'cached']);
  });
});

describe('what a preset did cost', () => {
  it('is among the latest requests and in the usage by preset', async () => {
    const running = await metered();
    const { id } = await makePreset(running);
    await runOf(running, id, { who: 'Ann' });
    await running.settled();
    await running.ask({ prompt: crypto.randomUUID(), seed: 1 });
    await running.settled();
    await runOf(running, id, { who: 'Bob' });
    await exported(running);
    const { data, has_more } = await read(running, '/v1/requests?limit=2');
    const [key] = running.account.keys.filter(({ mode }) => mode === 'live');
    const request = { origin: 'computed', model: 'small', key: key.id, texts: 1, work: TEXT, micro_dollars: TEXT };
    const rest = { id: expect.stringMatching(/^req_/), at: expect.stringMatching(/^\d{4}-.*Z$/) };
    expect(data).toEqual([
      { ...request, ...rest, preset: id },
      { ...request, ...rest },
    ]);
    expect(has_more).toBe(true);
    const next = await read(running, `/v1/requests?after=${String(data[1].id)}`);
    expect(next.data).toEqual([{ ...request, ...rest, preset: id }]);
    const usage = await read(running, '/v1/usage?group=preset');
    expect(usage.data).toMatchObject([
      { preset: '', requests: 1, micro_dollars: TEXT },
      { preset: id, requests: 2, micro_dollars: 2 * TEXT },
    ]);
    const { data: entries } = await read(running, '/v1/entries?limit=10');
    expect(entries.map(({ preset }) => preset).filter(Boolean)).toEqual([id, id]);
  });

  it('is of the mode that is asked about, and of one account', async () => {
    const [running, other] = [await metered(), await metered()];
    await running.ask({ prompt: 'p' });
    await exported(running);
    expect((await read(running, '/v1/requests')).data).toHaveLength(1);
    expect((await read(running, '/v1/requests?mode=test')).data).toEqual([]);
    expect((await read(other, '/v1/requests')).data).toEqual([]);
    const test = running.account.keys.find(({ mode }) => mode === 'test')!.key;
    const headers = { authorization: `Bearer ${test}` };
    expect((await running.fetch('/v1/requests?mode=live', { headers })).status).toBe(403);
    expect((await running.fetch('/v1/requests?colour=red')).status).toBe(400);
  });
});

/** What the queue brings within a second or two. */
async function exported({ ledger, env, account, settled }: Awaited<ReturnType<typeof metered>>): Promise<void> {
  await settled();
  const entries = await ledger.entries(0, 100);
  await consumed(
    env,
    entries.map((entry) => ({ ...entry, account: account.id, mode: 'live' })),
  );
}

type Rows = { readonly data: readonly Record<string, unknown>[]; readonly has_more: boolean };

async function read({ fetch }: Pick<Awaited<ReturnType<typeof metered>>, 'fetch'>, path: string): Promise<Rows> {
  const response = await fetch(path);
  expect(response.status).toBe(200);
  return response.json();
}
