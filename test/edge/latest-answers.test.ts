import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Kept, LatestAnswers } from '../../edge/answers/latest-answers.ts';

const answer = (made: number): Kept => ({ made, until: made + 1, events: [] });

describe('the latest answers', () => {
  it('are those set last, as many as fit', () => {
    const latest = new LatestAnswers();
    for (let n = 0; n < 20; n++) latest.set(`${n}`, answer(n), 200_000);
    expect(Array.from({ length: 20 }, (_, n) => latest.get(`${n}`)?.made)).toEqual([
      ...Array(10).fill(undefined),
      ...Array.from({ length: 10 }, (_, n) => n + 10),
    ]);
  });

  it('never have more characters than they may, and are never wrong', () => {
    const set = fc.record({ key: fc.integer({ min: 0, max: 30 }).map(String), characters: fc.nat(400_000) });
    fc.assert(
      fc.property(fc.array(set, { maxLength: 200 }), (sets) => {
        const latest = new LatestAnswers();
        const last = new Map<string, { made: number; characters: number }>();
        for (const [made, { key, characters }] of sets.entries()) {
          latest.set(key, answer(made), characters);
          last.set(key, { made, characters });
          const there = [...last].filter(([name]) => latest.get(name) !== undefined);
          for (const [name, { made: expected }] of there) expect(latest.get(name)?.made).toBe(expected);
          expect(there.reduce((sum, [, each]) => sum + each.characters, 0)).toBeLessThanOrEqual(2_000_000);
        }
      }),
    );
  });

  it('keep none that is too large, nor the one it stood for', () => {
    const latest = new LatestAnswers();
    latest.set('a', answer(1), 10);
    latest.set('a', answer(2), 1_000_000);
    expect(latest.get('a')).toBeUndefined();
  });
});
