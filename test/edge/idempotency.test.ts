import { describe, expect, it } from 'vitest';
import { readIdempotencyKey } from '../../edge/requests/idempotency.ts';
import { metered, TEXT } from './metered.ts';
import { ndjson, parseEvents, recorded } from './upstream.ts';

interface Answer {
  id: string;
  seed: number;
  usage: { price: { origin: string; micro_dollars: number } };
}

const keyed = (key = crypto.randomUUID() as string) => ({ 'idempotency-key': key });
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe('a request with an Idempotency-Key', () => {
  it('is computed and paid once; its answer is given again, with the id and the seed it had', async () => {
    const { ask, generations, charges } = await metered();
    const headers = keyed();
    const first = await ask({ prompt: 'p' }, headers);
    await charges();
    const second = await ask({ prompt: 'p' }, headers);
    expect([first, second].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
    const [a, b] = [(await first.json()) as Answer, (await second.json()) as Answer];
    expect(b.usage.price).toEqual({ origin: 'replayed', micro_dollars: 0 });
    expect({ ...b, usage: { ...b.usage, price: a.usage.price } }).toEqual(a);
    expect(generations()).toBe(1);
    expect((await charges()).map(({ amount }) => amount)).toEqual([-TEXT]);
  });

  it('that is streamed is replayed event by event', async () => {
    const { ask, charges } = await metered();
    const headers = keyed();
    const streamed = async () => {
      const events = parseEvents(await (await ask({ prompt: 'p', n: 2, stream: 'steps' }, headers)).text());
      await charges();
      return events;
    };
    const [live, replayed] = [await streamed(), await streamed()];
    const withoutPrices = (events: [string, unknown][]) =>
      JSON.parse(JSON.stringify(events, (name, value) => (name === 'price' ? undefined : value)));
    expect(withoutPrices(replayed)).toEqual(withoutPrices(live));
    expect(JSON.stringify(replayed)).toContain('"origin":"replayed"');
  });

  it('is refused while it runs, with another body, and under another route', async () => {
    const { ask, state, charges, generations } = await metered();
    const headers = keyed();
    const finish = Promise.withResolvers<void>();
    state.behave = async (job) => {
      await finish.promise;
      return ndjson(recorded(job));
    };
    const running = ask({ prompt: 'p' }, headers);
    while (generations() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const again = await ask({ prompt: 'p' }, headers);
    expect([again.status, again.headers.get('retry-after')]).toEqual([409, '1']);
    expect(await codeOf(again)).toBe('idempotency_in_progress');
    finish.resolve();
    await running;
    await charges();
    const other = await ask({ prompt: 'q' }, headers);
    expect([other.status, await codeOf(other)]).toEqual([422, 'idempotency_mismatch']);
    // How it is spelled makes no difference.
    expect((await ask('{ "prompt": "p" }', headers)).status).toBe(200);
  });

  it.each([
    ['a refusal', () => Response.json({ code: 'overloaded', detail: 'busy' }, { status: 429 })],
    ['an answer that breaks off', (events: object[]) => ndjson(events.slice(0, 2))],
  ] as const)('runs again after %s', async (_name, behave) => {
    const { ask, state, charges, generations } = await metered();
    const headers = keyed();
    const well = state.behave;
    state.behave = (job) => behave(recorded(job));
    await ask({ prompt: 'p' }, headers);
    await charges();
    state.behave = well;
    expect((await ask({ prompt: 'p' }, headers)).status).toBe(200);
    expect(generations()).toBe(2);
    expect(await charges()).toHaveLength(1);
  });
});

describe('the header', () => {
  it.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ])('%s names a key', (header, key) => expect(readIdempotencyKey(header)).toBe(key));

  it.each(['', '""', '"abc', '"a"b"', 'two words', 'ümlaut', 'x'.repeat(256), '"\\a"'])('%j names none', (header) =>
    expect(() => readIdempotencyKey(header)).toThrow('Idempotency-Key'),
  );

  it('that names none is refused', async () => {
    const { ask, generations } = await metered();
    const response = await ask({ prompt: 'p' }, keyed('"abc'));
    expect([response.status, await codeOf(response)]).toEqual([400, 'invalid_header']);
    expect(generations()).toBe(0);
  });
});
