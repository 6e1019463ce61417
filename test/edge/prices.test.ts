import { describe, expect, it } from 'vitest';
import { DEFAULT_PRICE, priceOf } from '../../shared/contract/price.ts';
import { edge, model } from './upstream.ts';

interface Prices {
  unit: string;
  formula: string;
  origins: Record<string, string>;
  free: string[];
  data: { model: string; computed: number; cached: number }[];
}

describe('GET /v1/prices', () => {
  it('says without a key what each model costs, by the formula that is charged by', async () => {
    const { fetch, env, state } = await edge();
    state.models = [model, { ...model, id: 'large' }];
    Object.assign(env, { PRICES: '{"large":{"computed":400000,"cached":20}}' });
    const response = await fetch('/v1/prices', { headers: { authorization: '' } });
    expect(response.status).toBe(200);
    const prices = (await response.json()) as Prices;
    expect(prices.data).toEqual([
      { object: 'price', model: 'small', ...DEFAULT_PRICE },
      { object: 'price', model: 'large', computed: 400_000, cached: 20 },
    ]);
    expect(Object.keys(prices.origins)).toEqual(['computed', 'cached', 'joined', 'replayed']);
    // The published formula is an expression: whoever works it out gets what is charged.
    const parts = { positions: 65, denoising_steps: 17, computed: 400_000 };
    const work = new Map<string, number>(Object.entries(parts));
    const [, a, b, c, per] = /^ceil\((\w+) \* (\w+) \* (\w+) \/ (\d+)\)$/.exec(prices.formula) ?? [];
    const value = (name: string) => work.get(name) ?? Number.NaN;
    expect(Math.ceil((value(a) * value(b) * value(c)) / Number(per))).toBe(
      priceOf({ computed: parts.computed, cached: 0 }, parts),
    );
  });

  it.each([
    ['{"small":', 'not valid JSON'],
    ['{"small":{"computed":1.5,"cached":5}}', 'small.computed'],
    ['{"small":{"computed":5}}', 'small.cached'],
    ['{"small":{"computed":-1,"cached":5}}', 'small.computed'],
    ['[]', 'it'],
  ])('sells nothing where PRICES is %s', async (given, where) => {
    const { priceOfModel } = await import('../../edge/run/prices.ts');
    expect(() => priceOfModel(given, 'small')).toThrow(where);
    const { fetch, env } = await edge();
    Object.assign(env, { PRICES: given });
    expect((await fetch('/v1/prices')).status).toBe(500);
  });
});

it('every answer says how long its parts took, problems too', async () => {
  const { ask, fetch } = await edge();
  for (const response of [await ask({ prompt: 'p' }), await ask({}), await fetch('/nowhere')]) {
    expect(response.headers.get('server-timing')).toMatch(/^(\w+;dur=[\d.]+, )*total;dur=[\d.]+$/);
  }
});
