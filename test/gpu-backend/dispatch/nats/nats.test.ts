/** Jobs between gateways and engines, over a real nats-server. */

import { expect, it } from 'vitest';
import { eagerReader } from '../../../../gpu-backend/engine/reader.ts';
import { collect } from '../../collect.ts';
import { live } from '../common.ts';
import { describeNats, inlineEngine, jobOf } from './setup.ts';

describeNats('a job over NATS', (installation) => {
  it('gives the events that an engine in the same process gives', async () => {
    const here = installation();
    await here.engine();
    const gateway = await here.gateway();
    const inline = inlineEngine();
    await Promise.resolve();
    const decision = {
      ...{ state: 'It rained.', order: false, prior: true },
      questions: [
        { id: 'a', type: 'yes_no', question: 'Was it wet?' },
        { id: 'b', type: 'score', question: 'How wet?', min: 1, max: 3 },
      ],
    } as const;
    const asking = jobOf(1, {}, { n: 2, decision: { ...decision, questions: [...decision.questions] } });
    for (const job of [jobOf(10), jobOf(7, {}, { n: 3 }), asking]) {
      const events = await collect(gateway.generate(job, live));
      const expected = await collect(inline.dispatch.generate(job, live));
      const key = (event: { type: string; index?: number; step?: number }) =>
        `${event.index} ${event.step ?? event.type}`;
      const sorted = (all: typeof events) => all.map((event) => [key(event), event] as const).sort();
      expect(sorted(events)).toEqual(sorted(expected));
    }
    expect(gateway.counted.value('events_repeated')).toBe(0);
  });

  it('passes on what the engine refuses, with its code', async () => {
    const here = installation();
    await here.engine();
    const gateway = await here.gateway();
    const wrong = jobOf(4, {}, { style: 'baroque' });
    await expect(collect(gateway.generate(wrong, live))).rejects.toMatchObject({ problem: { code: 'unknown_style' } });
    const unknown = jobOf(4, {}, { model: 'other' });
    await expect(collect(gateway.generate(unknown, live))).rejects.toMatchObject({
      problem: { code: 'unknown_model' },
    });
  });

  it('is shared out: two engines both work', async () => {
    const here = installation();
    const engines = [await here.engine({ stepMs: 5, room: 2 }), await here.engine({ stepMs: 5, room: 2 })];
    const gateway = await here.gateway();
    const results = await Promise.all(Array.from({ length: 16 }, () => collect(gateway.generate(jobOf(10), live))));
    for (const events of results) expect(events.at(-1)?.type).toBe('done');
    for (const { counted } of engines) expect(counted.value('jobs_claimed')).toBeGreaterThan(3);
  });

  it('ends with its reader: cancelled before the next step', async () => {
    const here = installation();
    const engine = await here.engine({ stepMs: 20 });
    const gateway = await here.gateway();
    const gone = new AbortController();
    let seen = 0;
    const reading = (async () => {
      for await (const event of gateway.generate(jobOf(100), eagerReader(gone.signal))) {
        if (event.type === 'step' && ++seen === 3) gone.abort(new Error('left'));
      }
    })();
    await expect(reading).rejects.toThrow('left');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(engine.steps()).toBeLessThan(10);
  });
});
