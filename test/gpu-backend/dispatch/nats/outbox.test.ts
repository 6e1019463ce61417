/** The order in which an engine says things, whatever the servers take their time with. */

import { describe, expect, it } from 'vitest';
import type { TextCheckpoint } from '../../../../gpu-backend/denoise/checkpoint.ts';
import { createOutbox } from '../../../../gpu-backend/dispatch/nats/outbox.ts';
import type { WorkEvent } from '../../../../gpu-backend/engine/work.ts';
import { wait } from '../common.ts';

const step = (number: number): WorkEvent => ({
  ...{ type: 'step', index: 0, step: number, committed: [], remasked: [], masks_left: 0 },
});
const checkpoint = (number: number): WorkEvent => ({
  type: 'checkpoint',
  checkpoint: { index: 0, step: number } as TextCheckpoint, // the outbox looks at no more
});

function outboxOf(publishMs: () => number, failing = Number.POSITIVE_INFINITY) {
  const stored: string[] = [];
  const failures: unknown[] = [];
  let messages = 0;
  let published = 0;
  const outbox = createOutbox({
    async publish(events) {
      await wait(publishMs());
      if (++messages >= failing) throw new Error('refused');
      published += events.length;
      stored.push(...events.map((event) => (event.type === 'step' ? `step ${event.step}` : event.type)));
    },
    async save(texts) {
      stored.push(...texts.map((text) => `checkpoint ${text.step}`));
    },
    onFailure: (reason) => failures.push(reason),
  });
  return { outbox, stored, failures, messages: () => messages, published: () => published };
}

describe('the outbox', () => {
  it('stores events in order, few messages for many events, checkpoints behind what they cover', async () => {
    const { outbox, stored, messages } = outboxOf(() => 2 + 5 * Math.random());
    for (let i = 1; i <= 60; i++) {
      outbox.push(step(i));
      if (i % 2 === 0) outbox.push(checkpoint(i));
      if (i % 10 === 0) await wait(3);
    }
    await outbox.flushed();
    const steps = stored.filter((said) => said.startsWith('step'));
    expect(steps).toEqual(Array.from({ length: 60 }, (_, i) => `step ${i + 1}`));
    stored.forEach((said, i) => {
      const [what, number] = said.split(' ');
      if (what === 'checkpoint') expect(stored.slice(0, i)).toContain(`step ${number}`);
    });
    expect(stored.at(-1)).toBe('checkpoint 60');
    expect(messages()).toBeLessThan(30);
  });

  it('shuts its gate while too much is waiting, and opens it again', async () => {
    const { outbox, published } = outboxOf(() => 20);
    let pushed = 0;
    while (outbox.wants.open) outbox.push(step(++pushed));
    expect(pushed).toBeLessThan(1_000);
    await outbox.wants.opened(new AbortController().signal);
    await outbox.flushed();
    expect(published()).toBe(pushed);
  });

  it('says once what stopped it, and nothing more', async () => {
    const { outbox, failures, stored } = outboxOf(() => 0, 2);
    outbox.push(step(1));
    await outbox.flushed();
    outbox.push(step(2));
    await expect(outbox.flushed()).rejects.toThrow('refused');
    outbox.push(step(3));
    await expect(outbox.flushed()).rejects.toThrow('refused');
    expect(failures).toHaveLength(1);
    expect(stored).toEqual(['step 1']);
  });
});
