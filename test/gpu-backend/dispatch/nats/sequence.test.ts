/** Exactly once, whatever engines publish again. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokenSequence, createSequence } from '../../../../gpu-backend/dispatch/nats/sequence.ts';
import type { AcceptedEvent, DoneEvent, GenerationEvent, StepEvent } from '../../../../shared/contract/stream.ts';

const accepted = (index: number, revision = 'r'): AcceptedEvent => ({
  ...{ type: 'accepted', id: 'j', model: 'm', revision, seed: 1, index, positions: 4, fixed: [], steps: 9 },
});
const step = (index: number, number: number): StepEvent => ({
  ...{ type: 'step', index, step: number, committed: [], remasked: [], masks_left: 0 },
});
const done = (index: number, steps: number): DoneEvent => ({
  ...{ type: 'done', index, text: '', holes: {}, constraints: [] },
  usage: { positions: 4, denoising_steps: steps, model_evaluations: 1, positions_evaluated: 1, committed_per_step: 1 },
});

/** The events of texts with so many steps each, one text behind the other. */
const whole = (steps: readonly number[]): GenerationEvent[] =>
  steps.flatMap((last, index) => [
    accepted(index),
    ...Array.from({ length: last }, (_, i) => step(index, i + 1)),
    done(index, last),
  ]);

const name = (event: GenerationEvent) =>
  event.type === 'problem' ? 'problem' : `${event.type} ${event.index} ${event.type === 'step' ? event.step : ''}`;

describe('the sequence of a job', () => {
  it('takes each event once and in order, however often engines begin again behind a checkpoint', () => {
    const lives = fc.array(fc.record({ events: fc.nat(40), back: fc.nat(6) }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 }), lives, (steps, deaths) => {
        const all = whole(steps);
        const said: GenerationEvent[] = [];
        let at = 0;
        for (const { events, back } of deaths) {
          // An engine says so many events and dies; the next begins some events earlier, and says `accepted` of each text again.
          said.push(...all.slice(at, at + events));
          at = Math.max(0, Math.min(all.length, at + events) - back);
          said.push(...all.slice(0, at).filter(({ type }) => type === 'accepted'));
        }
        said.push(...all.slice(at));
        const sequence = createSequence(steps.length);
        const taken = said.filter((event) => sequence.takes(event));
        expect(taken.map(name)).toEqual(all.map(name));
        expect(sequence.complete).toBe(true);
      }),
    );
  });

  it.each([
    ['a step before its text was accepted', [step(0, 1)]],
    ['a step that jumps ahead', [accepted(0), step(0, 2)]],
    ['an end with steps missing', [accepted(0), step(0, 1), done(0, 2)]],
    ['a text that goes on with another model', [accepted(0, 'r'), step(0, 1), accepted(0, 's')]],
  ])('refuses %s', (_, events: GenerationEvent[]) => {
    const sequence = createSequence(1);
    expect(() => events.map((event) => sequence.takes(event))).toThrow(BrokenSequence);
  });
});
