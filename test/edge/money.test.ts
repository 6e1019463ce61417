import { describe, expect, it } from 'vitest';
import { CACHED, MOST, metered, TEXT, unique } from './metered.ts';
import { ndjson, parseEvents, recorded } from './upstream.ts';

interface Priced {
  usage: { price: { origin: string; micro_dollars: number } };
}

describe('a text', () => {
  it('costs its positions times the steps that ran, and says so', async () => {
    const { ask, charges, ledger } = await metered();
    const before = await ledger.balance();
    const answer = (await (await ask({ prompt: 'p' })).json()) as Priced;
    expect(answer.usage.price).toEqual({ origin: 'computed', micro_dollars: TEXT });
    expect(await charges()).toEqual([{ kind: 'computed', amount: -TEXT, work: TEXT, texts: 1 }]);
    expect(await ledger.balance()).toEqual({ balance: before.balance - TEXT, held: 0 });
  });

  it('is paid with its neighbours: the parts add up to what is charged, in every form', async () => {
    const { ask, charges } = await metered();
    const answer = (await (await ask({ prompt: 'p', n: 3 })).json()) as Priced & { choices: Priced[] };
    expect(answer.choices.map(({ usage }) => usage.price.micro_dollars)).toEqual([TEXT, TEXT, TEXT]);
    expect(answer.usage.price).toEqual({ origin: 'computed', micro_dollars: 3 * TEXT });
    for (const stream of ['steps', 'text']) {
      const events = parseEvents(await (await ask({ prompt: 'p', n: 3, stream })).text());
      const done = events.filter(([name]) => name === 'done').map(([, data]) => (data as Priced).usage.price);
      expect(done).toEqual(Array(3).fill({ origin: 'computed', micro_dollars: TEXT }));
    }
    const charge = { kind: 'computed', amount: -3 * TEXT, work: 3 * TEXT, texts: 3 };
    expect(await charges()).toEqual([charge, charge, charge]);
  });

  it('is not begun where the most it may cost is not there; the refusal says what is missing', async () => {
    const { ask, charges, generations, ledger } = await metered({ grant_micro_dollars: { live: MOST - 5 } });
    const response = await ask({ prompt: 'p' });
    expect(response.status).toBe(402);
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    expect([code, detail]).toEqual(['insufficient_credits', expect.stringContaining(`up to ${MOST}`)]);
    expect(detail).toContain('5 are missing');
    expect(generations()).toBe(0);
    // A request that can cost less fits.
    expect((await ask({ prompt: 'p', length: { unit: 'tokens', max: 20 } })).status).toBe(200);
    expect(await charges()).toHaveLength(1);
    expect((await ledger.balance()).held).toBe(0);
  });
});

describe('nothing is charged, and nothing stays held,', () => {
  it.each([
    ['of a refusal', () => Response.json({ code: 'overloaded', detail: 'busy' }, { status: 429 })],
    [
      'of a problem before the first event',
      () => Response.json({ code: 'check_failed', detail: 'x' }, { status: 500 }),
    ],
    [
      'of a problem after it',
      (events: object[]) => ndjson([events[0], { type: 'problem', problem: { code: 'check_failed', detail: 'x' } }]),
    ],
    ['of an answer that breaks off', (events: object[]) => ndjson(events.slice(0, 2))],
    ['of an answer that cannot be read', (events: object[]) => ndjson([events[0], { type: 'nonsense' }])],
  ] as const)('%s', async (_name, behave) => {
    const { ask, charges, ledger, state } = await metered();
    const before = await ledger.balance();
    state.behave = (job) => behave(recorded(job));
    for (const stream of [false, 'steps']) await (await ask({ prompt: 'p', stream })).text();
    expect(await charges()).toEqual([]);
    expect(await ledger.balance()).toEqual(before);
  });

  it('of what is refused before the ledger hears of it', async () => {
    const { ask, charges } = await metered();
    for (const body of [{}, { prompt: 'p', no: 1 }, { template: '{{' }]) {
      expect((await ask(body)).status).toBe(400);
    }
    expect(await charges()).toEqual([]);
  });
});

describe('a reader who goes away', () => {
  it('leaves the most held until the service has said what ran', async () => {
    const { ask, charges, ledger } = await metered();
    const before = await ledger.balance();
    const reader = (await ask({ prompt: 'p', stream: 'steps' })).body!.getReader();
    await reader.read();
    await reader.cancel();
    expect(await charges()).toEqual([]);
    expect(await ledger.balance()).toEqual({ balance: before.balance, held: MOST });
  });

  it('before he has read anything, too', async () => {
    const { ask, charges, ledger } = await metered();
    await (await ask({ prompt: 'p', stream: 'text' })).body!.cancel();
    expect(await charges()).toEqual([]);
    expect((await ledger.balance()).held).toBe(MOST);
  });

  it('behind the last text has had all of it, and pays', async () => {
    const { ask, charges } = await metered();
    const response = await ask({ prompt: 'p', stream: 'steps' });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; !text.includes('event: done'); text += (await reader.read()).value);
    await reader.cancel();
    expect(await charges()).toEqual([{ kind: 'computed', amount: -TEXT, work: TEXT, texts: 1 }]);
  });
});

describe('an answer from the cache', () => {
  it('costs its own price, once for all its texts', async () => {
    const { ask, charges } = await metered();
    const body = { ...unique(), n: 2 };
    await ask(body);
    await charges();
    const answer = (await (await ask(body)).json()) as Priced & { choices: Priced[] };
    expect(answer.choices.map(({ usage }) => usage.price.micro_dollars)).toEqual([CACHED, 0]);
    expect(answer.usage.price).toEqual({ origin: 'cached', micro_dollars: CACHED });
    const [, charge] = await charges();
    expect(charge).toEqual({ kind: 'cached', amount: -CACHED, work: 0, texts: 2 });
  });

  it('is given to who could not pay for its being made', async () => {
    const { ask, charges, ledger } = await metered({ grant_micro_dollars: { live: MOST + CACHED - 1 } });
    const body = unique();
    await ask(body);
    await charges();
    const { balance } = await ledger.balance();
    expect(balance).toBeLessThan(MOST);
    const answer = (await (await ask(body)).json()) as Priced;
    expect(answer.usage.price.origin).toBe('cached');
    expect((await ask(unique())).status).toBe(402);
    await charges();
    expect(await ledger.balance()).toEqual({ balance: balance - CACHED, held: 0 });
  });
});
