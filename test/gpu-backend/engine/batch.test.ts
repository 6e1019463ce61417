import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer, Need } from '../../../gpu-backend/denoise/need.ts';
import { createBatcher } from '../../../gpu-backend/engine/batch.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { EOS, tinySession } from '../tiny-model.ts';

const need = (fill: number, length: number, changes: Partial<Need> = {}): Need => ({
  ids: new Int32Array(length).fill(fill),
  rows: Int32Array.of(1, length - 1),
  paddedLength: Math.ceil(length / 32) * 32,
  guidance: 0,
  inverseTemperature: 1,
  ...changes,
});
const guided = (fill: number): Need => {
  const { ids } = need(fill + 1, 10);
  return need(fill, 12, { base: { ids, rows: Int32Array.of(1, 9) }, guidance: 2, inverseTemperature: 2 });
};
const live = new AbortController().signal;
const options = () => ({ positions: 1_000, rows: 1_000, canvases: 4, padding: EOS, counters: createCounters() });

describe('createBatcher', () => {
  it('gives each text the rows it gets alone', async () => {
    const needs = [
      need(20, 5),
      guided(30),
      need(21, 32),
      need(22, 40),
      guided(50),
      need(23, 7, { inverseTemperature: 3 }),
    ];
    const alone: Answer[] = [];
    for (const one of needs) alone.push(await createBatcher(tinySession(), options()).evaluate(one, live));
    const session = tinySession();
    const batcher = createBatcher(session, options());
    // Each takes its rows at once: the next batch overwrites them.
    const together = await Promise.all(needs.map(async (one) => (await batcher.evaluate(one, live)).slice()));
    expect(together).toEqual(alone);
    expect(session.calls.length).toBeLessThan(needs.length);
  });

  it('fills batches oldest first with canvases of one padded length, guided ones apart, at most as many as it may', async () => {
    const session = tinySession();
    const batcher = createBatcher(session, options());
    const first = [need(20, 5), need(21, 40), guided(30), need(22, 6), need(23, 33), guided(40), guided(50)];
    const last = [need(24, 7), need(25, 8), need(26, 9)];
    await Promise.all([...first, ...last].map((one) => batcher.evaluate(one, live)));
    const fills = session.calls.map(({ ids, length, batch }) =>
      Array.from({ length: batch }, (_, b) => ids[b * length]),
    );
    expect(fills).toEqual([
      [20, 22, 24, 25],
      [21, 23],
      [30, 31, 40, 41], // two guided texts, each with its twin
      [50, 51],
      [26],
    ]);
    expect(session.calls.map(({ length }) => length)).toEqual([32, 64, 32, 32, 32]);
  });

  it('keeps to its positions and rows, and takes what is larger by itself', async () => {
    const sizes = async (limits: { positions?: number; rows?: number }) => {
      const session = tinySession();
      const batcher = createBatcher(session, { ...options(), ...limits });
      const needs = [need(20, 90), need(21, 91), need(22, 92)]; // 96 positions and 2 rows each
      await Promise.all(needs.map((one) => batcher.evaluate(one, live)));
      return session.calls.map(({ batch }) => batch);
    };
    expect(await sizes({})).toEqual([3]);
    expect(await sizes({ positions: 192 })).toEqual([2, 1]);
    expect(await sizes({ positions: 95 })).toEqual([1, 1, 1]);
    expect(await sizes({ rows: 4 })).toEqual([2, 1]);
    expect(await sizes({ rows: 1 })).toEqual([1, 1, 1]);
  });

  it('drops what was aborted while it waited, and nobody else', async () => {
    const session = tinySession();
    const batcher = createBatcher(session, options());
    const stop = new AbortController();
    const dropped = batcher.evaluate(need(20, 5), stop.signal);
    const kept = batcher.evaluate(need(21, 5), live);
    stop.abort(new Error('gone'));
    await expect(dropped).rejects.toThrow('gone');
    expect((await kept).length).toBeGreaterThan(0);
    expect(session.calls.map(({ batch }) => batch)).toEqual([1]);
  });

  it('goes on after a failed call, whose texts alone see the failure', async () => {
    const session = tinySession(async (call) => {
      if (call === 1) throw new Error('out of memory');
    });
    const batcher = createBatcher(session, options());
    await expect(batcher.evaluate(need(20, 5), live)).rejects.toThrow('out of memory');
    expect((await batcher.evaluate(need(20, 5), live)).length).toBeGreaterThan(0);
  });
});

describe('fairness', () => {
  /** For each evaluation of texts that take turns: the batches that went before its own, from when it was asked for. */
  async function waits(texts: readonly (readonly { readonly need: Need; readonly thinks: number }[])[]) {
    let underWay = 0;
    const session = tinySession(async () => {
      underWay++;
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
    });
    const batcher = createBatcher(session, options());
    const all: number[] = [];
    const text = async (turns: (typeof texts)[number]) => {
      for (const { need, thinks } of turns) {
        for (let i = 0; i < thinks; i++) await new Promise((resolve) => setImmediate(resolve));
        const before = session.calls.length - underWay;
        await batcher.evaluate(need, live);
        all.push(session.calls.length - before - 1); // the last call was its own
      }
    };
    await Promise.all(texts.map(text));
    return all;
  }

  it('an evaluation waits for at most as many batches as there are other texts, whatever they ask for', async () => {
    const turn = fc.record({
      need: fc.oneof(
        fc.integer({ min: 3, max: 200 }).map((length) => need(20, length)),
        fc.constant(guided(30)),
      ),
      thinks: fc.nat(3),
    });
    const texts = fc.array(fc.array(turn, { maxLength: 6 }), { minLength: 1, maxLength: 7 });
    await fc.assert(
      fc.asyncProperty(texts, async (list) => {
        for (const wait of await waits(list)) expect(wait).toBeLessThanOrEqual(list.length - 1);
      }),
      { numRuns: 60 },
    );
  });

  it('and for so many where no two can share one', async () => {
    const alone = [10, 40, 70, 100].map((length) => [{ need: need(20, length), thinks: 0 }]);
    expect(await waits(alone)).toEqual([0, 1, 2, 3]);
  });
});
