/**
 * Texts of one length in several styles, made by the real engine, and what the scorer says of them.
 */

import { spawn } from 'node:child_process';
import { text as readAll } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { checkText } from '../gpu-backend/check.ts';
import { createEngine, type Engine } from '../gpu-backend/engine/engine.ts';
import { eagerReader } from '../gpu-backend/engine/reader.ts';
import { fixedModels } from '../gpu-backend/model/pool.ts';
import { type LoadedModel, openModel } from '../gpu-backend/model/registry.ts';
import type { SessionOptions } from '../gpu-backend/model/session.ts';
import type { GenerationRequest } from '../shared/contract/generation.ts';

/** The styles whose training texts are long enough. */
export const STYLES = ['story', 'news', 'encyclopedia', 'blog', 'dialogue', 'email', 'notice_formal', 'poem'];
export const TOKENS = 128;

/** A text to be scored, of the set of texts it belongs to. */
export interface ScoredLine {
  readonly set: string;
  readonly style: string;
  readonly text: string;
}

/** What training.score says of a set of texts. */
export interface Score {
  readonly texts: number;
  /** Under the scorer, per token. */
  readonly perplexity: number;
  /** Standard error over texts. */
  readonly perplexity_error: number;
  /** Of the pooled tokens, nats. */
  readonly unigram_entropy: number;
  /** Share of different pairs of tokens among all. */
  readonly distinct_2: number;
  /** Share of 4-grams that occurred earlier in the same text. */
  readonly repeated_4: number;
}

export interface Generated {
  readonly lines: readonly ScoredLine[];
  readonly seconds: number;
  readonly denoisingSteps: number;
  readonly modelEvaluations: number;
  readonly positionsEvaluated: number;
  readonly committed: number;
}

/** What distinguishes one set of texts from another. */
export type Asked = Pick<GenerationRequest, 'temperature' | 'diffusion'>;

export async function openEngine(
  folder: string,
  options: SessionOptions,
): Promise<{ readonly engine: Engine; readonly model: LoadedModel }> {
  const model = await openModel(folder, options);
  return { engine: createEngine({ models: fixedModels([model]), check: checkText }), model };
}

export interface Plan {
  readonly perStyle: number;
  readonly atOnce: number;
  readonly styles?: readonly string[];
}

/**
 * Makes `perStyle` texts of TOKENS tokens in each style, seeds from 0 up, `atOnce` at a time.
 * @param name of the set
 */
export async function generateTexts(
  { engine, model }: Awaited<ReturnType<typeof openEngine>>,
  name: string,
  asked: Asked,
  { perStyle, atOnce, styles = STYLES }: Plan,
): Promise<Generated> {
  const jobs = styles.flatMap((style) => Array.from({ length: perStyle }, (_, seed) => ({ style, seed })));
  const lines: ScoredLine[] = new Array(jobs.length);
  const counted = { denoisingSteps: 0, modelEvaluations: 0, positionsEvaluated: 0, committed: 0 };
  const { signal } = new AbortController();
  let next = 0;
  const work = async () => {
    for (let index = next++; index < jobs.length; index = next++) {
      const { style, seed } = jobs[index];
      const length = { unit: 'tokens', exact: TOKENS } as const;
      const request = { model: model.manifest.id, style, seed, length, ...asked };
      for await (const event of engine.generate({ id: `${name}-${index}`, request }, eagerReader(signal))) {
        if (event.type === 'step') counted.committed += event.committed.length;
        if (event.type !== 'done') continue;
        lines[index] = { set: name, style, text: event.text };
        counted.denoisingSteps += event.usage.denoising_steps;
        counted.modelEvaluations += event.usage.model_evaluations;
        counted.positionsEvaluated += event.usage.positions_evaluated;
      }
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: atOnce }, work));
  return { lines, seconds: (performance.now() - started) / 1000, ...counted };
}

/** Runs a module of training/ with these lines as its input. @throws Error with what it said when it does not end well */
export async function python(module: string, parameters: readonly string[], lines: readonly object[]): Promise<string> {
  const child = spawn(process.env.PYTHON ?? 'python3', ['-m', module, ...parameters], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const [output, errors, code] = await Promise.all([readAll(child.stdout), readAll(child.stderr), ended]);
  if (code !== 0) throw new Error(`python -m ${module} ended with ${code}:\n${errors}`);
  return output;
}

/** Scores sets of texts under the scorer. */
export async function scoreTexts(
  scorer: string,
  lines: readonly ScoredLine[],
): Promise<Readonly<Record<string, Score>>> {
  return JSON.parse(await python('training.score', ['--scorer', scorer], lines));
}
