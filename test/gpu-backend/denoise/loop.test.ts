import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DenoisedText, denoise } from '../../../gpu-backend/denoise/loop.ts';
import type { Need } from '../../../gpu-backend/denoise/need.ts';
import { acceptedEvent, prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { assemble } from '../../../gpu-backend/engine/batch.ts';
import type { ModelSession } from '../../../gpu-backend/model/session.ts';
import { firstFrame, frameText, nextFrame } from '../../../shared/contract/frames.ts';
import { type GenerationJob, SAMPLERS } from '../../../shared/contract/generation.ts';
import type { AcceptedEvent, StepEvent } from '../../../shared/contract/stream.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { EOS, MASK, manifest, tinyModel, tinySession, tokenizer } from '../tiny-model.ts';

type Request = Partial<GenerationJob['request']>;
const jobOf = (request: Request): GenerationJob => ({ id: 'r1', request: { model: 'tiny', seed: 7, ...request } });

const supports = { editing: true, guidance: true };
const taskOf = (request: Request, session: ModelSession, index = 0) =>
  prepareTasks(jobOf({ ...request, n: index + 1 }), tinyModel(session, { supports }), plainConstraint)[index];

interface Run {
  readonly accepted: AcceptedEvent;
  readonly steps: readonly StepEvent[];
  readonly ready: DenoisedText;
  readonly needs: readonly Need[];
}

async function runAlone(request: Request, index = 0): Promise<Run> {
  const session = tinySession();
  const task = taskOf(request, session, index);
  const needs: Need[] = [];
  const loop = denoise(task, (need) => {
    needs.push(need);
    return session.evaluate(assemble([need], EOS));
  });
  const steps: StepEvent[] = [];
  let turn = await loop.next();
  for (; !turn.done; turn = await loop.next()) steps.push(turn.value.event);
  return { accepted: acceptedEvent(task), steps, ready: turn.value, needs };
}

const requests = fc.record({
  seed: fc.nat(),
  temperature: fc.constantFrom(0, 0.5, 1, 2),
  template: fc.constantFrom(
    undefined,
    'Dear {{name:tokens=5}}, {{rest:tokens=9}}.',
    'é{{a:tokens=1}}',
    'no holes at all',
  ),
  prompt: fc.constantFrom(undefined, 'A fox'),
  style: fc.constantFrom(undefined, 'story'),
  diffusion: fc.record({
    sampler: fc.constantFrom(...SAMPLERS),
    steps: fc.constantFrom(1, 2, 7, 40),
    block: fc.constantFrom(undefined, 3, 8, 100),
    guidance: fc.constantFrom(undefined, 0, 1.5),
    repetition_penalty: fc.constantFrom(undefined, 1.3),
  }),
});
const withLength = (request: Request): Request =>
  request.template === undefined ? { ...request, length: { unit: 'tokens', max: 24 } } : request;

describe('denoise', () => {
  it('rebuilds to exactly the final text from its events, with any sampler, blocks, guidance and temperature', async () => {
    await fc.assert(
      fc.asyncProperty(requests.map(withLength), async (request) => {
        const { accepted, steps, ready } = await runAlone(request);
        let frame = firstFrame(accepted);
        let masks = frame.cells.filter((cell) => cell === undefined).length;
        steps.forEach((event, i) => {
          expect(event.step).toBe(i + 1);
          for (const { position } of event.committed) {
            expect(frame.cells[position] === undefined || event.remasked.includes(position)).toBe(true);
          }
          for (const position of event.remasked) expect(frame.cells[position]).toBeDefined();
          frame = nextFrame(frame, event);
          masks += event.remasked.length - event.committed.length;
          expect(event.masks_left).toBe(masks);
          for (const { confidence } of event.committed) expect(confidence >= 0 && confidence <= 1).toBe(true);
        });
        expect(masks).toBe(0);
        expect(frameText(frame)).toBe(ready.text);
        expect(ready.tokens).toBe(frame.cells.filter((cell) => cell!.length > 0).length);
        expect(steps.length).toBeLessThanOrEqual(accepted.steps);
        expect(accepted.steps).toBeLessThanOrEqual(request.diffusion?.steps ?? 0);
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same events for the same seed and others for another', async () => {
    const request: Request = { length: { unit: 'tokens', max: 24 } };
    const first = await runAlone(request);
    expect((await runAlone(request)).steps).toEqual(first.steps);
    expect((await runAlone({ ...request, seed: 8 })).ready.text).not.toBe(first.ready.text);
    expect((await runAlone(request, 1)).ready.text).not.toBe(first.ready.text);
  });

  it('stands at temperature 0 on no random number', async () => {
    const request: Request = { length: { unit: 'tokens', max: 24 }, temperature: 0 };
    const texts = [await runAlone(request), await runAlone({ ...request, seed: 99 })].map(({ ready }) => ready.text);
    expect(texts[0]).toBe(texts[1]);
    expect((await runAlone({ ...request, temperature: 1e-9 })).ready.text).toBe(texts[0]);
  });

  it('takes by default a step for each position up to 16 and then for each four, and stops as soon as no mask is left', async () => {
    const steps = async (request: Request) => (await runAlone(request)).steps.length;
    expect(await steps({ length: { unit: 'tokens', max: 10 } })).toBe(10);
    expect(await steps({ template: '{{a:tokens=100}}' })).toBe(25);
    expect(await steps({ template: '{{a:tokens=100}}', diffusion: { effort: 'fast' } })).toBe(16);
    expect(await steps({ template: '{{a:tokens=100}}', diffusion: { effort: 'best' } })).toBe(100);
    expect(await steps({ template: 'a {{b:tokens=3}} c', diffusion: { steps: 200 } })).toBe(3);
    expect(await steps({ template: 'nothing to do' })).toBe(0);
  });

  it('keeps each step its quota: 10 positions in 4 steps are 3, 3, 2, 2', async () => {
    const { steps } = await runAlone({ length: { unit: 'tokens', max: 10 }, diffusion: { steps: 4 } });
    expect(steps.map(({ committed }) => committed.length)).toEqual([3, 3, 2, 2]);
  });

  it('finishes blocks from the left', async () => {
    const { steps } = await runAlone({ length: { unit: 'tokens', max: 24 }, diffusion: { steps: 12, block: 8 } });
    const blocks = steps.map(({ committed }) => committed.map(({ position }) => Math.floor(position / 8)));
    expect(blocks.map((indices) => new Set(indices).size)).toEqual(new Array(12).fill(1));
    expect(blocks.map(([first]) => first)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  });

  it('asks for the masked rows of the canvas as it is', async () => {
    const { needs, steps } = await runAlone({
      template: 'Dear {{name:tokens=6}}!',
      prompt: 'Hi',
      diffusion: { sampler: 'low-confidence', steps: 3 },
    });
    expect(needs).toHaveLength(3);
    needs.forEach((need, i) => {
      const masks = [...need.ids.keys()].filter((at) => need.ids[at] === MASK);
      expect([...need.rows]).toEqual(masks);
      expect(masks).toHaveLength(6 - 2 * i);
      expect(need.paddedLength).toBe(17);
    });
    const start = needs[0].ids.length - 'Dear '.length - 6 - '!'.length;
    for (const { position, text } of steps[0].committed) {
      expect(tokenizer.tokenBytes(needs[1].ids[start + position])).toEqual(new TextEncoder().encode(text));
    }
  });

  it('reads a shifted model one position before each mask, in the twin of guidance too', async () => {
    const request: Request = { template: 'a{{b:tokens=3}}c', style: 'story', diffusion: { guidance: 2, steps: 1 } };
    const needOf = async (shift: 0 | 1): Promise<Need> => {
      const [task] = prepareTasks(jobOf(request), tinyModel(tinySession(), { shift }), plainConstraint);
      const needs: Need[] = [];
      await denoise(task, async (need) => {
        needs.push(need);
        return tinySession().evaluate(assemble([need], EOS));
      }).next();
      return needs[0];
    };
    const [plain, shifted] = [await needOf(0), await needOf(1)];
    expect([...shifted.ids]).toEqual([...plain.ids]);
    expect([...shifted.rows]).toEqual([...plain.rows].map((row) => row - 1));
    expect([...shifted.base!.rows]).toEqual([...plain.base!.rows].map((row) => row - 1));
  });

  it('evaluates no model after a step that changed nothing, and counts honestly', async () => {
    const request: Request = { template: '{{a:tokens=2}}', diffusion: { sampler: 'ancestral', steps: 40 } };
    const { steps, needs, ready } = await runAlone(request);
    const idle = steps.filter(({ committed }) => committed.length === 0).length;
    expect(idle).toBeGreaterThan(10);
    const changing = steps.length - idle;
    expect(needs).toHaveLength(changing);
    expect(ready.usage).toEqual({
      positions: 2,
      denoising_steps: steps.length,
      model_evaluations: changing,
      positions_evaluated: changing * needs[0].ids.length,
      committed_per_step: 2 / steps.length,
    });
  });

  it('counts two evaluations for a guided step, each with its own canvas', async () => {
    const { ready, needs } = await runAlone({
      template: '{{a:tokens=4}}',
      style: 'story',
      prompt: 'A fox',
      diffusion: { steps: 2, guidance: 1 },
    });
    const own = 1 + 1 + 5 + 1 + 4;
    expect(needs[0].base!.ids.length).toBe(2 + 4);
    expect(ready.usage).toMatchObject({ model_evaluations: 4, positions_evaluated: 2 * (own + 6) });
  });

  it('counts nothing for a template without holes', async () => {
    const { ready } = await runAlone({ template: 'as it stands' });
    expect(ready).toMatchObject({
      text: 'as it stands',
      usage: { denoising_steps: 0, model_evaluations: 0, positions_evaluated: 0, committed_per_step: 0 },
    });
  });

  it('is moved by guidance, and by weight 0 not at all', async () => {
    const request: Request = { template: '{{a:tokens=12}}', style: 'story' };
    const plain = (await runAlone(request)).ready.text;
    expect((await runAlone({ ...request, diffusion: { guidance: 0 } })).ready.text).toBe(plain);
    expect((await runAlone({ ...request, diffusion: { guidance: 3 } })).ready.text).not.toBe(plain);
  });

  it('samples guided rows that are the combination (1 + w) conditional - w unconditional, guided before tempered', async () => {
    const session = tinySession();
    const request = {
      template: '{{a:tokens=3}}',
      style: 'story',
      temperature: 0.5,
      diffusion: { guidance: 2, steps: 1 },
    };
    const task = taskOf(request, session);
    let need: Need | undefined;
    await denoise(task, (asked) => {
      need = asked;
      return session.evaluate(assemble([asked], EOS));
    }).next();
    const { base, ...own } = need!;
    const probabilities = await session.evaluate(assemble([need!], EOS));
    const conditional = await session.logits(assemble([{ ...own, guidance: 0 }], EOS));
    const free = await session.logits(assemble([{ ...own, ids: base!.ids, rows: base!.rows, guidance: 0 }], EOS));
    const a = 20; // two tokens of the first row, specials left out
    const b = 33;
    const combined = (token: number) => 2 * (3 * conditional[token] - 2 * free[token]); // inverse temperature 2
    expect(Math.log(probabilities[a] / probabilities[b])).toBeCloseTo(combined(a) - combined(b), 3);
  });

  it('stops before its next step when aborted', async () => {
    const session = tinySession();
    const stop = new AbortController();
    const task = taskOf({ length: { unit: 'tokens', max: 24 } }, session);
    const loop = denoise(task, (need) => session.evaluate(assemble([need], EOS)), { signal: stop.signal });
    await loop.next();
    await loop.next();
    stop.abort(new Error('gone'));
    await expect(loop.next()).rejects.toThrow('gone');
    expect(session.calls).toHaveLength(2);
  });

  it('fails loudly when a sampler would leave masks behind or mask what is fixed', async () => {
    const session = tinySession();
    const task = taskOf({ template: 'ab{{a:tokens=3}}', diffusion: { steps: 2 } }, session);
    const none = Int32Array.of();
    const run = async (commit: Int32Array, remask: Int32Array) => {
      const sampler = { ...task.sampler, select: () => ({ commit, remask }) };
      for await (const _ of denoise({ ...task, sampler }, (need) => session.evaluate(assemble([need], EOS)))) {
        // events are of no interest
      }
    };
    await expect(run(none, none)).rejects.toThrow('3 positions are masked after the last of 2 steps');
    await expect(run(none, Int32Array.of(0))).rejects.toThrow('position 0 is fixed');
  });
});

describe('acceptedEvent', () => {
  it('says what stands before the first step', async () => {
    const { accepted } = await runAlone({ template: 'é{{a:tokens=1}}', seed: 5 });
    expect(accepted).toEqual({
      type: 'accepted',
      id: 'r1',
      model: 'tiny',
      revision: manifest.revision,
      seed: 5,
      index: 0,
      positions: 3,
      fixed: [
        { position: 0, text: '\uFFFD', bytes: 'c3' },
        { position: 1, text: '\uFFFD', bytes: 'a9' },
      ],
      steps: 1,
    });
  });
});
