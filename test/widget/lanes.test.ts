import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeLane } from '../../edge/widget/lanes.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the connection budget of a page', () => {
  it('is two at once, first come, first served, whatever gives up waiting', async () => {
    const widgets = fc.array(fc.record({ turns: fc.integer({ min: 1, max: 3 }), givesUp: fc.boolean() }), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(widgets, async (widgets) => {
        let under = 0;
        let most = 0;
        const began: number[] = [];
        await Promise.all(
          widgets.map(async ({ turns, givesUp }, i) => {
            const abort = new AbortController();
            const taking = takeLane(abort.signal);
            if (givesUp) abort.abort(new Error('gone'));
            const leave = await taking.catch(() => undefined);
            if (leave === undefined) return;
            began.push(i);
            most = Math.max(most, ++under);
            for (let n = 0; n < turns; n++) await turn();
            under--;
            leave();
          }),
        );
        expect(most).toBeLessThanOrEqual(2);
        expect(began).toEqual([...began].sort((a, b) => a - b));
        // Who waits and does not give up has his turn.
        for (const [i, { givesUp }] of widgets.entries()) if (!givesUp) expect(began).toContain(i);
        expect(most).toBe(Math.min(2, began.length));
      }),
    );
  });
});
