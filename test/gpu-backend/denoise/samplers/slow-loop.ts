/**
 * A plain, slow denoising loop over a small random model, for samplers written straight from their papers: no shared code with the
 * real loop but the plan of blocks and the random numbers, which have tests of their own.
 */
import fc from 'fast-check';
import type { Block } from '../../../../gpu-backend/denoise/blocks.ts';
import { drawToken } from '../../../../gpu-backend/denoise/gumbel.ts';
import { denoise } from '../../../../gpu-backend/denoise/loop.ts';
import { type Uniform, uniforms } from '../../../../gpu-backend/denoise/random.ts';
import { prepareTasks, type Task } from '../../../../gpu-backend/denoise/task.ts';
import type { GenerationRequest } from '../../../../shared/contract/generation.ts';
import { plainConstraint } from '../../plain-constraint.ts';
import { MASK, tinyModel, tinySession, tokenizer, VOCABULARY } from '../../tiny-model.ts';

const LETTERS = [...tokenizer.encode('abcdefgh')];
export const ALLOWED = Uint8Array.from({ length: VOCABULARY }, (_, token) => (tokenizer.isSpecial(token) ? 0 : 1));
/** Style and `<|text|>` stand before the text. */
const PREFIX = 2;

function noise(...parts: number[]): number {
  const h = parts.reduce((state, part) => {
    const mixed = Math.imul(state ^ (part + 0x7f4a7c15), 0x85ebca6b);
    return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) ^ (mixed >>> 16);
  }, 0x9e3779b9);
  return (h >>> 0) / 2 ** 32;
}

/**
 * The model: eight letters at each position, mostly by the position, a little by what stands elsewhere, so that some distributions
 * stand still from step to step and some do not, and some kept letters are doubted later.
 */
export function modelRow(ids: Int32Array, at: number, inverseTemperature: number): Float32Array {
  const around = [...ids].reduce((state, id) => Math.floor(noise(state, id) * 2 ** 31), at);
  const sway = noise(at, 1) ** 3 * 6; // most positions hardly listen
  const weights = LETTERS.map((letter) =>
    Math.exp(inverseTemperature * (7 * noise(at, letter) ** 2 + sway * noise(around, letter))),
  );
  const sum = weights.reduce((a, b) => a + b);
  const row = new Float32Array(VOCABULARY);
  LETTERS.forEach((letter, i) => {
    row[letter] = weights[i] / sum;
  });
  return row;
}

/** One masked position as the slow loop sees it. */
export interface Place {
  readonly position: number;
  readonly token: number;
  /** Probability of the token. */
  readonly c: number;
  /** The distribution there, zeros left out, float64. */
  readonly p: readonly number[];
  readonly row: Float32Array;
}

export interface SlowStep {
  /** Masked positions of the block, ascending. */
  readonly places: readonly Place[];
  /** All masked positions. */
  readonly everywhere: readonly Place[];
  /** Kept positions of the block that may be masked again. */
  readonly kept: readonly number[];
  readonly block: Block;
  /** 0-based step of the block's n. */
  readonly k: number;
  readonly n: number;
  readonly left: number;
  /** The uniform number of a position and draw. */
  readonly u: Uniform;
}

export interface Kept {
  readonly commit: readonly number[];
  readonly remask?: readonly number[];
}

/** What a step changed: letters by position, and the positions masked again. */
export interface Change {
  readonly committed: Readonly<Record<number, number>>;
  readonly remasked: readonly number[];
}

export const taskOf = (request: Partial<GenerationRequest>): Task =>
  prepareTasks(
    { id: 'r', request: { model: 'tiny', seed: 1, ...request } },
    tinyModel(tinySession(), { supports: { editing: true, guidance: true } }),
    plainConstraint,
  )[0];

/** The real loop on the same model. */
export async function realRun(task: Task): Promise<Change[]> {
  const changes: Change[] = [];
  const loop = denoise(task, async ({ ids, rows, inverseTemperature }) => {
    const all = new Float32Array(rows.length * VOCABULARY);
    rows.forEach((at, r) => {
      all.set(modelRow(ids, at, inverseTemperature), r * VOCABULARY);
    });
    return all;
  });
  for await (const {
    event: { committed, remasked },
  } of loop) {
    const letters = committed.map(({ position, text }) => [position, tokenizer.encode(text)[0]]);
    changes.push({ committed: Object.fromEntries(letters), remasked: [...remasked].sort((a, b) => a - b) });
  }
  return changes;
}

/** Text positions of a canvas as the model gets them. */
export const idsOf = (canvas: readonly number[]): Int32Array =>
  Int32Array.from([5, 4, ...canvas.map((token) => (token < 0 ? MASK : token))]);

/**
 * What a model evaluation and a proposal say of masked positions.
 *
 * @param shown the text as the model sees it, where that is another
 */
export function look(task: Task, canvas: readonly number[], step: number, shown = canvas): Place[] {
  const random = uniforms(task.seed, 0, step, 'proposal');
  const inverse = task.temperature === 0 ? 1 : 1 / task.temperature;
  return canvas.flatMap((standing, position): Place[] => {
    if (standing >= 0) return [];
    const row = modelRow(idsOf(shown), PREFIX + position, inverse);
    const p = [...row].filter((value) => value > 0);
    const total = p.reduce((a, b) => a + b);
    const token =
      task.temperature === 0
        ? row.indexOf(Math.max(...row))
        : drawToken(row, ALLOWED, (draw) => random(position, draw));
    return [{ position, token, c: row[token] / total, p: p.map((value) => value / total), row }];
  });
}

/** The slow loop: block after block, step after step, keeping what `pick` says. */
export function slowRun(task: Task, pick: (step: SlowStep) => Kept): Change[] {
  const canvas = [...task.constraint.fixed];
  const changes: Change[] = [];
  for (const block of task.blocks) {
    const inside = (position: number) => position >= block.from && position < block.to;
    while (canvas.some((token, position) => token < 0 && inside(position))) {
      const step = changes.length + 1;
      const everywhere = look(task, canvas, step);
      const n = block.lastStep - block.firstStep + 1;
      const left = block.lastStep - step + 1;
      const { commit, remask = [] } = pick({
        places: everywhere.filter(({ position }) => inside(position)),
        everywhere,
        kept: canvas.flatMap((token, i) => (token >= 0 && inside(i) && task.constraint.fixed[i] < 0 ? [i] : [])),
        block,
        k: Math.max(n - left, 0),
        n,
        left,
        u: uniforms(task.seed, 0, step, 'sampler'),
      });
      for (const position of remask) canvas[position] = -1;
      const committed: Record<number, number> = {};
      for (const { position, token } of everywhere) {
        if (!commit.includes(position)) continue;
        canvas[position] = token;
        committed[position] = token;
      }
      changes.push({ committed, remasked: [...remask].sort((a, b) => a - b) });
    }
  }
  return changes;
}

/** Requests for trajectories: literals between holes, blocks or none, few steps or many. */
export const trajectories = fc.record({
  seed: fc.nat(),
  temperature: fc.constantFrom(0, 0.5, 1),
  template: fc.constantFrom('{{a:tokens=12}}', 'so {{a:tokens=9}}, {{b:tokens=7}}!', '{{a:tokens=1}}'),
  steps: fc.constantFrom(1, 5, 9, 40),
  block: fc.constantFrom(undefined, 3, 8),
});
