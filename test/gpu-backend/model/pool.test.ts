/** Which models are open: shared loads, the memory limit, the order in which models are released and waiting uses are served. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPool, type ModelLease, type ModelState, type PooledModel } from '../../../gpu-backend/model/pool.ts';
import { tinyModel, tinySession } from '../tiny-model.ts';

const live = new AbortController().signal;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await turn();
};

interface Stand {
  readonly model: PooledModel;
  opened: number;
  /** Whether it takes memory: from the beginning of its opening to the end of its release. */
  held: boolean;
  /** What happens while it is opened; it fails where this rejects. */
  opening: () => Promise<unknown>;
  releasing: () => Promise<unknown>;
}

function stand(id: string, bytes: number): Stand {
  const own: Stand = {
    ...{ opened: 0, held: false, opening: async () => {}, releasing: async () => {} },
    model: {
      ...{ summary: { ...tinyModel().summary, id }, bytes },
      async open(report) {
        own.opened++;
        own.held = true;
        report('verifying', 1, 4);
        await own.opening().catch((reason) => {
          own.held = false;
          throw reason;
        });
        const release = async () => {
          await own.releasing();
          own.held = false;
        };
        return tinyModel({ ...tinySession(), release }, { id });
      },
    },
  };
  return own;
}

function poolOf(sizes: Readonly<Record<string, number>>, limitBytes?: number) {
  const stands = Object.entries(sizes).map(([id, bytes]) => stand(id, bytes));
  const states: ModelState[] = [];
  const pool = createPool(
    stands.map(({ model }) => model),
    { limitBytes, onState: (state) => states.push(state) },
  );
  return { pool, states, stands };
}

const openNow = (stands: readonly Stand[]) => stands.filter(({ held }) => held).map(({ model }) => model.summary.id);

describe('a pool of models', () => {
  it('opens nothing before it is asked for, each model once, and keeps it', async () => {
    const { pool, stands } = poolOf({ a: 1, b: 1 });
    expect(openNow(stands)).toEqual([]);
    const [first, second] = await Promise.all([pool.use('a', live), pool.use('a', live)]);
    expect(second.model).toBe(first.model);
    first.release();
    second.release();
    expect((await pool.use('a', live)).model).toBe(first.model);
    expect(stands.map(({ opened }) => opened)).toEqual([1, 0]);
    await expect(pool.use('c', live)).rejects.toThrow('no model c');
  });

  it('rejects all who wait for a load that fails, and tries again at the next use', async () => {
    const { pool, stands, states } = poolOf({ a: 1 });
    stands[0].opening = () => Promise.reject(new Error('damaged'));
    const uses = [pool.use('a', live), pool.use('a', live)];
    for (const use of uses) await expect(use).rejects.toThrow('damaged');
    expect(states.at(-1)).toEqual({ id: 'a', state: 'unloaded', fault: 'damaged' });
    stands[0].opening = async () => {};
    expect((await pool.use('a', live)).model.manifest.id).toBe('a');
    expect(states.at(-1)).toEqual({ id: 'a', state: 'ready' });
  });

  it('goes on loading for others, and for whoever comes next, when a use aborts', async () => {
    const { pool, stands } = poolOf({ a: 1 });
    const { promise, resolve } = Promise.withResolvers<void>();
    stands[0].opening = () => promise;
    const stop = new AbortController();
    const gone = pool.use('a', stop.signal);
    const stays = pool.use('a', live);
    stop.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    resolve();
    await stays;
    expect(stands[0].opened).toBe(1);
    await expect(pool.use('a', stop.signal)).rejects.toThrow('gone');
  });

  it('releases the least recently used models, and no more of them than the room needs', async () => {
    const { pool, stands } = poolOf({ a: 3, b: 3, c: 3, d: 5 }, 9);
    for (const id of ['a', 'b', 'c', 'a']) (await pool.use(id, live)).release();
    expect(openNow(stands)).toEqual(['a', 'b', 'c']);
    (await pool.use('d', live)).release();
    expect(openNow(stands)).toEqual(['a', 'd']);
  });

  it('waits until what it releases has given its memory back', async () => {
    const { pool, stands } = poolOf({ a: 1, b: 1 }, 1);
    (await pool.use('a', live)).release();
    const { promise, resolve } = Promise.withResolvers<void>();
    stands[0].releasing = () => promise;
    const use = pool.use('b', live);
    await turns(5);
    expect(stands[1].opened).toBe(0);
    resolve();
    await use;
    expect(stands[1].opened).toBe(1);
  });

  it('serves who waits for a leased model to end in order, and lets nobody pass', async () => {
    const { pool, stands, states } = poolOf({ a: 1, b: 1, c: 1 }, 1);
    const first = await pool.use('a', live);
    const order: string[] = [];
    const use = async (id: string, signal = live) => {
      const lease = await pool.use(id, signal);
      order.push(id);
      await turns(2);
      lease.release();
    };
    const stop = new AbortController();
    const waiting = [use('b'), use('c'), use('a'), use('b')];
    const gone = use('c', stop.signal);
    await turns(5);
    expect([order, openNow(stands)]).toEqual([[], ['a']]);
    expect(states.filter(({ state }) => state === 'waiting').map(({ id }) => id)).toEqual(['b', 'c']);
    stop.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    first.release();
    await Promise.all(waiting);
    expect(order).toEqual(['b', 'b', 'c', 'a']);
  });

  it('lets the others go on when who waits in front goes away', async () => {
    const { pool } = poolOf({ a: 1, b: 2 }, 2);
    const lease = await pool.use('a', live);
    const stop = new AbortController();
    const gone = pool.use('b', stop.signal);
    const behind = pool.use('a', live);
    stop.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect((await behind).model).toBe(lease.model);
  });

  it('refuses a use when too many wait, unless it would not have to', async () => {
    const { promise } = Promise.withResolvers<void>();
    const stands = [stand('a', 1), stand('b', 1)];
    stands[1].opening = () => promise;
    const pool = createPool(
      stands.map(({ model }) => model),
      { mostWaiting: 2 },
    );
    (await pool.use('a', live)).release();
    void pool.use('b', live);
    const stop = new AbortController();
    const second = pool.use('b', stop.signal);
    await expect(pool.use('b', live)).rejects.toMatchObject({ problem: { code: 'overloaded', retryAfter: 5 } });
    (await pool.use('a', live)).release();
    stop.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    void pool.use('b', live);
    await expect(pool.use('b', live)).rejects.toMatchObject({ problem: { code: 'overloaded' } });
  });

  it('refuses at once a model that can never fit, naming both numbers, and two of one name', () => {
    expect(() => poolOf({ a: 1e6, big: 250e6 }, 100e6)).toThrow(/big takes 250 MB .* 100 MB/);
    expect(() => createPool([stand('a', 1).model, stand('a', 1).model])).toThrow('two models have the id a');
  });

  it('says how each model stands', async () => {
    const { pool, states } = poolOf({ a: 1, b: 1 }, 1);
    (await pool.use('a', live)).release();
    (await pool.use('b', live)).release();
    expect(states.map(({ id, state, phase, progress }) => [id, state, phase, progress])).toEqual([
      ['a', 'unloaded', undefined, undefined],
      ['b', 'unloaded', undefined, undefined],
      ['a', 'loading', undefined, undefined],
      ['a', 'loading', 'verifying', 0.25],
      ['a', 'ready', undefined, undefined],
      ['a', 'unloaded', undefined, undefined],
      ['b', 'waiting', undefined, undefined],
      ['b', 'loading', undefined, undefined],
      ['b', 'loading', 'verifying', 0.25],
      ['b', 'ready', undefined, undefined],
    ]);
  });

  const IDS = ['a', 'b', 'c', 'd'];
  const ofEach = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: IDS.length, maxLength: IDS.length });
  const use = fc.record({
    model: fc.nat(IDS.length - 1),
    start: fc.nat(20),
    hold: fc.nat(6),
    abort: fc.option(fc.nat(6), { nil: undefined }),
  });
  const opening = fc.record({ turns: fc.nat(4), fails: fc.nat(9).map((n) => n === 0) });
  const cases = fc.record({
    uses: fc.array(use, { maxLength: 25 }),
    sizes: ofEach(fc.integer({ min: 1, max: 5 })),
    openings: ofEach(fc.array(opening, { minLength: 1, maxLength: 5 })),
    limit: fc.integer({ min: 5, max: 12 }),
  });

  it('never takes more than the limit, releases what is free and least recently used, and serves everyone', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ uses, sizes, openings, limit }) => {
        const { pool, stands } = poolOf(Object.fromEntries(IDS.map((id, i) => [id, sizes[i]])), limit);
        const leases = IDS.map(() => 0);
        const lastUse = IDS.map(() => 0);
        const isFree = IDS.map(() => false);
        let clock = 0;
        const faults: string[] = [];
        stands.forEach((one, i) => {
          one.opening = async () => {
            const taken = stands.reduce((sum, { held, model }) => sum + (held ? model.bytes : 0), 0);
            if (taken > limit) faults.push(`${taken} of ${limit} taken`);
            const { turns: count, fails } = openings[i][one.opened % openings[i].length];
            await turns(count);
            if (fails) throw new Error('damaged');
            isFree[i] = true;
            lastUse[i] = ++clock;
          };
          one.releasing = async () => {
            isFree[i] = false;
            if (leases[i] > 0) faults.push(`${IDS[i]} released while leased`);
            const older = IDS.filter((_, j) => isFree[j] && leases[j] === 0 && lastUse[j] < lastUse[i]);
            if (older.length > 0) faults.push(`${IDS[i]} released before ${older}`);
            await turn();
          };
        });
        const run = async ({ model, start, hold, abort }: (typeof uses)[number]) => {
          await turns(start);
          const stop = new AbortController();
          if (abort !== undefined) void turns(abort).then(() => stop.abort(new Error('gone')));
          let lease: ModelLease;
          try {
            lease = await pool.use(IDS[model], stop.signal);
          } catch (reason) {
            if (!/damaged|gone/.test(String(reason))) throw reason;
            return;
          }
          if (!isFree[model]) faults.push(`${IDS[model]} leased when it is not open`);
          leases[model]++;
          lastUse[model] = ++clock;
          await turns(hold);
          leases[model]--;
          lastUse[model] = ++clock;
          lease.release();
          lease.release(); // once more changes nothing
        };
        await Promise.all(uses.map(run));
        expect(faults).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
