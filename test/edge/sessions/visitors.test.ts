/** What one visitor of a page may do, and what nobody can by pretending to be many. */
import { runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ledgerOf } from '../../../edge/ledger/ledger-of.ts';
import { MOST } from '../metered.ts';
import { openShop, PAGE, refusal, type Shop } from './page.ts';

// In the middle of a minute and of a day, so that neither ends meanwhile.
beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2027-01-31T12:00:30Z') }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const at = (address: string) => ({ 'cf-connecting-ip': address });
const NEXT_MINUTE = Date.parse('2027-01-31T12:01:00Z');

/** Ids of what the live ledger of an account counts. */
function talliesOf(env: Shop['env'], account: string): Promise<string[]> {
  return runInDurableObject(ledgerOf(env, account, 'live'), (_, { storage }) =>
    storage.sql
      .exec('SELECT id FROM tally')
      .toArray()
      .map(({ id }) => String(id)),
  );
}

describe('a visitor', () => {
  it('runs a preset so many times in a minute and a day, by whatever key, and is told when to come back', async () => {
    const shop = await openShop();
    const preset = await shop.preset({ visitor_runs_per_minute: 2, visitor_runs_per_day: 3 });
    const [{ key }, { client_secret }] = [await shop.publishable(), await shop.session(preset)];
    const run = (bearer: string, address = '203.0.113.7') => shop.run(preset, bearer, {}, at(address));
    expect([(await run(key)).status, (await run(client_secret)).status]).toEqual([200, 200]);
    const refused = await run(key);
    expect([refused.headers.get('retry-after'), refused.headers.get('access-control-allow-origin')]).toEqual([
      '30',
      PAGE,
    ]);
    expect(await refusal(refused)).toEqual([429, 'rate_limited']);
    expect((await run(key, '203.0.113.8')).status).toBe(200);
    vi.setSystemTime(NEXT_MINUTE);
    expect((await run(key)).status).toBe(200);
    const tomorrow = await run(key);
    expect(Number(tomorrow.headers.get('retry-after'))).toBeGreaterThan(3600);
    expect(await refusal(tomorrow)).toEqual([429, 'rate_limited']);
    // A server is no visitor.
    expect((await shop.run(preset, shop.key)).status).toBe(200);
  });

  it('is one with all addresses of his network', async () => {
    const shop = await openShop();
    const [preset, { key }] = [await shop.preset({ visitor_runs_per_minute: 1 }), await shop.publishable()];
    const run = (address: string) => shop.run(preset, key, {}, at(address));
    expect((await run('2001:db8:1:2:3:4:5:6')).status).toBe(200);
    expect((await run('2001:db8:1:2::7')).status).toBe(429);
    expect((await run('2001:db8:1:3::7')).status).toBe(200);
  });

  it('is kept by no address, neither in the ledger nor in the log', async () => {
    const shop = await openShop();
    const [preset, { key }] = [await shop.preset(), await shop.publishable()];
    const log = vi.spyOn(console, 'log');
    await shop.run(preset, key, {}, at('203.0.113.7'));
    await shop.settled();
    const tallies = await talliesOf(shop.env, shop.account.id);
    expect(tallies.map((id) => id.split(':')[0]).sort()).toEqual(['preset', 'visitor', 'visitor']);
    expect(log).toHaveBeenCalled();
    expect(JSON.stringify([tallies, log.mock.calls])).not.toContain('203.0.113.7');
  });

  it('has another name tomorrow, and at another account', async () => {
    const names = new Set<string>();
    const [shop, other] = [await openShop(), await openShop()];
    const visit = async ({ preset, publishable, run, env, account, settled }: Shop) => {
      await run(await preset(), (await publishable()).key, {}, at('203.0.113.7'));
      await settled();
      for (const id of await talliesOf(env, account.id)) if (id.startsWith('visitor:')) names.add(id.split(':')[1]);
    };
    await visit(shop);
    await visit(other);
    expect(names.size).toBe(2);
    vi.setSystemTime(Date.now() + 86_400_000);
    await visit(shop);
    expect(names.size).toBe(3);
  });

  it('who forges origin and address at every run spends what the preset may, and not more', async () => {
    const shop = await openShop();
    const { key } = await shop.publishable();
    const preset = await shop.preset({ request: { prompt: '{{var:who}}' }, daily_limit_micro_dollars: 2 * MOST });
    const runs = Array.from({ length: 12 }, (_, n) => shop.run(preset, key, {}, at(`203.0.113.${n}`)));
    const answers = await Promise.all(runs);
    expect(answers.filter(({ status }) => status === 200).length).toBe(2);
    const refusals = await Promise.all(answers.filter(({ status }) => status !== 200).map(refusal));
    expect(new Set(refusals.map(([, code]) => code))).toEqual(new Set(['spend_limit_reached']));
    expect((await shop.charges()).length).toBe(2);
  });
});
