import { describe, expect, it } from 'vitest';
import { footprint } from '../../../gpu-backend/lattice/footprint.ts';

/** What is not memory of arrays: a few dozen bytes for each object. */
const LITTLE = 1_000;

describe('footprint', () => {
  it('counts the memory of typed arrays once, however many views and ways lead to it', () => {
    const buffer = new ArrayBuffer(1_000_000);
    const views = { all: new Float64Array(buffer), part: new Uint8Array(buffer, 10, 20) };
    const bytes = footprint({ views, again: [views, views.all], map: new Map([['key', { view: views.part }]]) });
    expect(bytes).toBeGreaterThanOrEqual(1_000_000);
    expect(bytes).toBeLessThan(1_000_000 + LITTLE);
  });

  it('leaves out what is shared, and what only that leads to', () => {
    const vocabulary = { tokens: [new Int32Array(100_000)] };
    expect(footprint({ vocabulary, own: new Int32Array(10) }, [vocabulary])).toBeLessThan(LITTLE);
    expect(footprint({ vocabulary, own: new Int32Array(10) })).toBeGreaterThan(400_000);
  });

  it('counts strings, numbers and sets, and ends where objects go in circles', () => {
    const circle: { self?: unknown; readonly text: string } = { text: 'x'.repeat(5_000) };
    circle.self = circle;
    const bytes = footprint({ circle, set: new Set([circle]), numbers: Array.from({ length: 1_000 }, (_, i) => i) });
    expect(bytes).toBeGreaterThan(13_000);
    expect(bytes).toBeLessThan(13_000 + LITTLE);
  });
});
