import { describe, expect, it } from 'vitest';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { createEngine, type EngineOptions } from '../../../gpu-backend/engine/engine.ts';
import { publicEvents } from '../../../gpu-backend/engine/public-events.ts';
import { eagerReader } from '../../../gpu-backend/engine/reader.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import { firstFrame, frameText, nextFrame } from '../../../shared/contract/frames.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import type { ProblemError } from '../../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { collect, textsOf } from '../collect.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { type RecordedSession, tinyModel, tinySession } from '../tiny-model.ts';

const live = eagerReader(new AbortController().signal);
const jobOf = (request: Partial<GenerationJob['request']>): GenerationJob => ({
  id: 'r1',
  request: { model: 'tiny', seed: 7, ...request },
});

function engineOf(changes: Partial<EngineOptions> = {}, session: RecordedSession = tinySession()) {
  const counters = createCounters();
  const check = () => ({ held: [], failed: [] });
  const models = fixedModels([tinyModel(session)]);
  const engine = createEngine({ models, check, counters, makeConstraint: plainConstraint, ...changes });
  return { engine, counters, session };
}

const ofIndex = (events: readonly GenerationEvent[], index: number) =>
  events.filter((event) => event.type !== 'problem' && event.index === index);

const MIX: readonly Partial<GenerationJob['request']>[] = [
  { template: 'Dear {{name:tokens=6}}, {{rest:tokens=9}}.', seed: 1 },
  { length: { unit: 'tokens', max: 40 }, seed: 2, diffusion: { sampler: 'ancestral', steps: 12 } },
  { template: '{{a:tokens=20}}', style: 'story', seed: 3, diffusion: { guidance: 1.5, steps: 5 } },
  { length: { unit: 'tokens', max: 10 }, seed: 4, temperature: 0 },
  { template: '{{a:tokens=30}}', prompt: 'A long request about a fox', seed: 5, diffusion: { sampler: 'threshold' } },
  { template: '{{a:tokens=8}}', seed: 6, n: 3, diffusion: { block: 4 } },
];

describe('createEngine', () => {
  it('gives the same events alone and among others, joined late or early', async () => {
    const alone = [];
    for (const request of MIX) alone.push(await collect(engineOf().engine.generate(jobOf(request), live)));
    const { engine, session } = engineOf({ capacity: { canvases: 5, running: 50 } });
    const late = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const together = await Promise.all(
      [...MIX, ...MIX].map(async (request, i) => {
        await late((i * 7) % 20);
        return collect(engine.generate(jobOf(request), live));
      }),
    );
    const perText = (events: GenerationEvent[]) => [0, 1, 2].map((index) => ofIndex(events, index));
    expect(together.map(perText)).toEqual([...alone, ...alone].map(perText));
    expect(Math.max(...session.calls.map(({ batch }) => batch))).toBeGreaterThan(2);
  });

  it('makes n texts of one job side by side, each its own, each rebuilt from its events', async () => {
    const { engine, session, counters } = engineOf();
    const events = await collect(engine.generate(jobOf({ template: 'Dear {{name:tokens=7}}!', n: 4 }), live));
    expect(events.slice(0, 4).map(({ type }) => type)).toEqual(new Array(4).fill('accepted'));
    expect(session.calls.map(({ batch }) => batch)).toEqual(new Array(7).fill(4));
    const texts = [0, 1, 2, 3].map((index) => {
      const [accepted, ...rest] = ofIndex(events, index);
      if (accepted.type !== 'accepted') throw new Error(accepted.type);
      let frame = firstFrame(accepted);
      for (const event of rest) if (event.type === 'step') frame = nextFrame(frame, event);
      const done = rest.at(-1);
      if (done?.type !== 'done') throw new Error(done?.type);
      expect(done.text).toBe(frameText(frame));
      expect(done.text.startsWith('Dear ')).toBe(true);
      return done.text;
    });
    expect(new Set(texts).size).toBe(4);
    expect(counters.value('texts_finished')).toBe(4);
    expect(counters.value('model_evaluations')).toBe(28);
  });

  it('withholds a text that fails the check, and counts it', async () => {
    const failed = [{ pointer: '/include/0', detail: '"fox" is missing' }];
    const { engine, counters } = engineOf({ check: () => ({ held: [], failed }) });
    const events: GenerationEvent[] = [];
    const run = async () => {
      for await (const event of publicEvents(engine.generate(jobOf({ template: '{{a:tokens=2}}' }), live)))
        events.push(event);
    };
    await expect(run()).rejects.toMatchObject({ problem: { code: 'check_failed', pointer: '/include/0' } });
    expect(events.some(({ type }) => type === 'done')).toBe(false);
    expect([counters.value('check_failures'), counters.value('texts_failed'), textsOf(engine)]).toEqual([1, 1, 0]);
  });

  it('hands out what the check found to hold', async () => {
    const held = [{ pointer: '/template', constraint: 'the template', held: true as const }];
    const { engine } = engineOf({ check: () => ({ held, failed: [] }) });
    const events = await collect(engine.generate(jobOf({ template: '{{a:tokens=2}}' }), live));
    expect(events.at(-1)).toMatchObject({ type: 'done', constraints: held });
  });

  it('refuses an unknown model and what does not fit the context, without an event or an evaluation', async () => {
    const { engine, session } = engineOf();
    const refusal = (request: Partial<GenerationJob['request']>) =>
      collect(engine.generate(jobOf(request), live)).catch((thrown: ProblemError) => thrown.problem.code);
    expect(await refusal({ model: 'other' })).toBe('unknown_model');
    expect(await refusal({ template: '{{a:tokens=300}}' })).toBe('limit_exceeded');
    expect(await refusal({ style: 'noir' })).toBe('unknown_style');
    expect([session.calls.length, textsOf(engine)]).toEqual([0, 0]);
  });

  it('refuses with 429 and a time to come back when too many texts wait', async () => {
    const gate = Promise.withResolvers<void>();
    const { engine, counters } = engineOf(
      { capacity: { running: 2, waiting: 2 } },
      tinySession(() => gate.promise),
    );
    const job = jobOf({ template: '{{a:tokens=2}}', n: 2 });
    const running = collect(engine.generate(job, live));
    const waiting = collect(engine.generate(job, live));
    await new Promise((resolve) => setImmediate(resolve));
    const refused = await collect(engine.generate(job, live)).catch((thrown: unknown) => thrown);
    expect((refused as ProblemError).problem).toMatchObject({ code: 'overloaded', retryAfter: expect.any(Number) });
    expect(counters.value('texts_refused')).toBe(2);
    gate.resolve();
    expect((await running).filter(({ type }) => type === 'done')).toHaveLength(2);
    expect((await waiting).filter(({ type }) => type === 'done')).toHaveLength(2);
  });

  it('stops within a step when its signal aborts, leaving neighbours alone', async () => {
    const { engine, session, counters } = engineOf();
    const stop = new AbortController();
    const request = { template: '{{a:tokens=30}}', diffusion: { steps: 30 } };
    const neighbour = collect(engine.generate(jobOf({ template: '{{a:tokens=4}}' }), live));
    let evaluations = 0;
    const run = async () => {
      for await (const event of engine.generate(jobOf({ ...request, n: 2 }), eagerReader(stop.signal))) {
        if (event.type !== 'step' || event.step < 5 || stop.signal.aborted) continue;
        evaluations = session.calls.length;
        stop.abort(new Error('gone'));
      }
    };
    await expect(run()).rejects.toThrow('gone');
    expect((await neighbour).at(-1)?.type).toBe('done');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(session.calls.length).toBeLessThanOrEqual(evaluations + 1);
    expect([counters.value('texts_cancelled'), counters.value('texts_failed'), textsOf(engine)]).toEqual([2, 0, 0]);
  });

  it('stops when whoever reads breaks off', async () => {
    const { engine, session, counters } = engineOf();
    for await (const event of engine.generate(jobOf({ template: '{{a:tokens=30}}' }), live)) {
      if (event.type === 'step') break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(session.calls.length).toBeLessThanOrEqual(2);
    expect([counters.value('texts_cancelled'), textsOf(engine)]).toEqual([1, 0]);
  });

  it('ends a job when the model fails, and takes the next', async () => {
    const session = tinySession(async (call) => {
      if (call === 2) throw new Error('out of memory');
    });
    const { engine, counters } = engineOf({}, session);
    const job = jobOf({ template: '{{a:tokens=3}}', n: 2 });
    await expect(collect(engine.generate(job, live))).rejects.toThrow('out of memory');
    expect([counters.value('texts_failed'), textsOf(engine)]).toEqual([2, 0]);
    expect((await collect(engine.generate(job, live))).filter(({ type }) => type === 'done')).toHaveLength(2);
  });
});
