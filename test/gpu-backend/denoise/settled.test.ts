/** What a reader of `stream: "text"` is sent while samplers take back and replace what they kept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { committedPrefix } from '../../../edge/answers/committed-prefix.ts';
import { denoise } from '../../../gpu-backend/denoise/loop.ts';
import { acceptedEvent, prepareTasks } from '../../../gpu-backend/denoise/task.ts';
import { assemble } from '../../../gpu-backend/engine/batch.ts';
import type { Diffusion } from '../../../shared/contract/sampling.ts';
import type { StepEvent } from '../../../shared/contract/stream.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { EOS, tinyModel, tinySession } from '../tiny-model.ts';

async function streamed(diffusion: Diffusion, seed: number) {
  const session = tinySession();
  const model = tinyModel(session, { supports: { editing: true, guidance: true } });
  const request = { model: 'tiny', seed, template: 'Dear {{a:tokens=14}}, {{b:tokens=9}}.', diffusion };
  const [task] = prepareTasks({ id: 'r', request }, model, plainConstraint);
  const prefix = committedPrefix(acceptedEvent(task));
  const pieces = [prefix.start()];
  const steps: StepEvent[] = [];
  const loop = denoise(task, (need) => session.evaluate(assemble([need], EOS)));
  let turn = await loop.next();
  for (; !turn.done; turn = await loop.next()) {
    steps.push(turn.value.event);
    pieces.push(prefix.step(turn.value.event)); // throws where settled text changes
  }
  const { text, holes, usage } = turn.value;
  pieces.push(prefix.done({ type: 'done', index: 0, text, holes, constraints: [], usage }));
  return { pieces, steps, text };
}

describe('the settled beginning of a text', () => {
  const revising = fc.constantFrom<Diffusion>(
    { sampler: 'remdm', eta: 0.4 },
    { sampler: 'remdm', remask: 'conf' },
    { sampler: 'joint-threshold', edit_threshold: 0.01 },
  );

  it('never changes and adds up to the text, whatever is taken back behind it', async () => {
    let back = 0;
    await fc.assert(
      fc.asyncProperty(revising, fc.nat(), fc.constantFrom(undefined, 4, 9), async (diffusion, seed, block) => {
        const { pieces, steps, text } = await streamed({ ...diffusion, block, steps: 24 }, seed);
        expect(pieces.join('')).toBe(text);
        back += steps.reduce((sum, { remasked }) => sum + remasked.length, 0);
        let settled = 0;
        for (const step of steps) {
          expect(step.settled).toBeGreaterThanOrEqual(settled);
          expect(Math.min(Number.POSITIVE_INFINITY, ...step.remasked)).toBeGreaterThanOrEqual(settled);
          settled = step.settled!;
        }
      }),
      { numRuns: 40 },
    );
    expect(back).toBeGreaterThan(20);
  });

  it('grows block by block, and by the literals behind a finished one', async () => {
    const { pieces, steps } = await streamed({ sampler: 'remdm', eta: 0.4, block: 4, steps: 24 }, 5);
    expect(pieces.slice(1, -1).filter((piece) => piece !== '').length).toBeGreaterThan(3);
    expect(new Set(steps.map(({ settled }) => settled)).size).toBeGreaterThan(4);
    expect(steps.at(-1)!.settled).toBe(5 + 14 + 2 + 9 + 1);
  });

  it('is not said where kept tokens stay', async () => {
    const { steps } = await streamed({ sampler: 'threshold', steps: 24 }, 5);
    for (const step of steps) expect(step).not.toHaveProperty('settled');
  });
});
