/**
 * Samplers that take back what they kept, each against a plain reference from its paper's pseudo-code.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Task } from '../../../../gpu-backend/denoise/task.ts';
import type { Diffusion } from '../../../../shared/contract/sampling.ts';
import {
  type Change,
  idsOf,
  type Kept,
  look,
  modelRow,
  realRun,
  type SlowStep,
  slowRun,
  taskOf,
  trajectories,
} from './slow-loop.ts';

/** ReMDM: for each kept token mask with sigma, for each mask unmask with (a_s - (1 - sigma) a_t) / (1 - a_t). */
function remdm(settings: Diffusion): (step: SlowStep) => Kept {
  const { remask = 'cap', t_on = 0.55, t_off = 0.05, alpha_on = 0.9 } = settings;
  const eta = settings.eta ?? (remask === 'rescale' ? 0.015 : 0.02);
  const whenKept = new Map<number, number>();
  const alpha = (t: number) => {
    if (remask !== 'loop') return 1 - t;
    if (t > t_on) return (alpha_on / (1 - t_on)) * (1 - t);
    if (t >= t_off && t > 0) return alpha_on;
    return t_off === 0 ? 1 : alpha_on + (1 - alpha_on) * (1 - t / t_off);
  };
  return ({ places, kept, k, n, left, u }) => {
    const [at, as] = [alpha(1 - k / n), alpha(1 - (k + 1) / n)];
    const sigmaMax = at === 0 ? 0 : Math.min(1, (1 - as) / at);
    const t = 1 - k / n;
    const softmax = kept.reduce((sum, i) => sum + Math.exp(-whenKept.get(i)!), 0);
    const sigma = (i: number) => {
      if (remask === 'cap') return Math.min(eta, sigmaMax);
      if (remask === 'rescale') return eta * sigmaMax;
      if (remask === 'loop') return t > t_on || t <= t_off ? 0 : Math.min(eta, sigmaMax);
      return (Math.exp(-whenKept.get(i)!) / softmax) * sigmaMax;
    };
    const sigmaOfMask = remask === 'conf' ? 0 : sigma(-1);
    const unmask = (as - (1 - sigmaOfMask) * at) / (1 - at);
    const commit = places.filter(({ position }) => left === 1 || u(position, 0) < unmask);
    for (const { position, c } of commit) whenKept.set(position, c);
    return {
      commit: commit.map(({ position }) => position),
      remask: left === 1 ? [] : kept.filter((i) => u(i, 1) < sigma(i)),
    };
  };
}

/** LLaDA2.1's joint threshold, one block after the other: fill the sure, replace the doubted, at most 16 rounds after the last mask. */
function jointThreshold(task: Task, tauMask: number, tauEdit: number): Change[] {
  const canvas = [...task.constraint.fixed];
  const changes: Change[] = [];
  for (const { from, to, lastStep } of task.blocks) {
    const places = Array.from({ length: to - from }, (_, i) => from + i);
    const texts: string[] = [];
    const refused = new Map<number, number>();
    for (let post = 0; changes.length < lastStep; ) {
      const step = changes.length + 1;
      const wishes = new Map<number, number>();
      for (const i of places) {
        if (canvas[i] < 0 || task.constraint.fixed[i] >= 0) continue;
        const row = modelRow(idsOf(canvas), 2 + i, task.temperature === 0 ? 1 : 1 / task.temperature);
        const v = row.indexOf(Math.max(...row));
        if (v !== canvas[i] && row[v] > tauEdit && refused.get(i) !== v) wishes.set(i, v);
      }
      // The model saw the text as it stands; only the proposal is made with what is to be replaced masked.
      const open = canvas.map((token, i) => (wishes.has(i) ? -1 : token));
      const seen = look(task, open, step, canvas);
      const masked = seen.filter(({ position }) => canvas[position] < 0 && position >= from && position < to);
      const left = lastStep - step + 1;
      const least = left === 1 ? masked.length : Math.max(1, Math.floor(masked.length / left));
      const order = [...masked].sort((a, b) => b.c - a.c || a.position - b.position);
      const filled = order.filter(({ c }, rank) => rank < least || c > tauMask);
      const replaced = seen.filter(({ position, token }) => wishes.has(position) && token !== canvas[position]);
      for (const { position, token } of seen) {
        if (wishes.has(position) && token !== wishes.get(position)) refused.set(position, wishes.get(position)!);
      }
      for (const { position, token } of [...filled, ...replaced]) canvas[position] = token;
      changes.push({
        committed: Object.fromEntries([...filled, ...replaced].map(({ position, token }) => [position, token])),
        remasked: replaced.map(({ position }) => position),
      });
      if (places.some((i) => canvas[i] < 0)) continue;
      const text = places.map((i) => canvas[i]).join();
      if (replaced.length === 0 || texts.includes(text) || ++post > 16) break;
      texts.push(text);
    }
  }
  return changes;
}

describe('the trajectory of a sampler that takes back is that of its paper', () => {
  it.each<[string, Diffusion]>([
    ['cap', {}],
    ['cap 0.3', { eta: 0.3 }],
    ['rescale', { remask: 'rescale' }],
    ['rescale 0.5', { remask: 'rescale', eta: 0.5 }],
    ['conf', { remask: 'conf' }],
    ['loop', { remask: 'loop' }],
    ['loop 0.3', { remask: 'loop', eta: 0.3, t_on: 0.7, t_off: 0.2, alpha_on: 0.8 }],
  ])('remdm, %s', async (_, settings) => {
    let again = 0;
    await fc.assert(
      fc.asyncProperty(trajectories, async ({ steps, block, ...request }) => {
        const task = taskOf({ ...request, diffusion: { ...settings, sampler: 'remdm', steps, block } });
        const changes = slowRun(task, remdm(settings));
        again += changes.reduce((sum, { remasked }) => sum + remasked.length, 0);
        expect(await realRun(task)).toEqual(changes);
      }),
      // `loop` takes back in one of sixteen.
      { numRuns: 240 },
    );
    expect(again).toBeGreaterThan(0);
  });

  it.each<[string, Diffusion, number, number]>([
    ['', {}, 0.7, 0.5],
    [' 0.3, 0', { threshold: 0.3, edit_threshold: 0 }, 0.3, 0],
  ])('joint-threshold%s', async (_, settings, tauMask, tauEdit) => {
    let replaced = 0;
    await fc.assert(
      fc.asyncProperty(trajectories, async ({ steps, block, ...request }) => {
        const task = taskOf({ ...request, diffusion: { ...settings, sampler: 'joint-threshold', steps, block } });
        const changes = jointThreshold(task, tauMask, tauEdit);
        replaced += changes.reduce((sum, { remasked }) => sum + remasked.length, 0);
        expect(await realRun(task)).toEqual(changes);
      }),
      { numRuns: 100 },
    );
    expect(replaced).toBeGreaterThan(0);
  });
});
