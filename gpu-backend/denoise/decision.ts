/**
 * One question to be answered: its canvases, settled and refused before the model runs. Each question has canvases of its own, so that
 * no other question, nor their order, can touch its answer.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { decisionsOf } from '../../shared/contract/manifest.ts';
import { problem } from '../../shared/contract/problem.ts';
import { type DecisionSpec, optionsOf, ordersOf, type Question } from '../../shared/contract/questions.ts';
import type { AcceptedEvent } from '../../shared/contract/stream.ts';
import type { LoadedModel } from '../model/registry.ts';
import { type OptionCanvas, optionCanvas } from './option-canvas.ts';

/** The canvases of one order of listing. */
export interface DecisionReading {
  readonly known: OptionCanvas;
  /** Without the state; where the prior is divided out. */
  readonly unknown?: OptionCanvas;
}

export interface DecisionTask {
  readonly id: string;
  /** Which of the questions of the job. */
  readonly index: number;
  readonly seed: number;
  readonly model: LoadedModel;
  readonly options: readonly string[];
  readonly temperature: number;
  readonly readings: readonly DecisionReading[];
  /** Positions of its longest canvas: what an evaluation counts for. */
  readonly positions: number;
  /** Model evaluations it takes. */
  readonly evaluations: number;
}

/**
 * Settles the questions of a job.
 *
 * @throws ProblemError limit_exceeded: state and question exceed the context
 */
export function prepareDecisions(
  { id, request }: GenerationJob,
  spec: DecisionSpec,
  model: LoadedModel,
): DecisionTask[] {
  return spec.questions.map((question, index) => {
    const readings = readingsOf(question, index, spec, model);
    const canvases = readings.flatMap(canvasesOf);
    return {
      ...{ id, index, seed: request.seed, model, readings },
      options: optionsOf(question),
      temperature: spec.temperature ?? 1,
      positions: Math.max(...canvases.map(({ ids }) => ids.length)),
      evaluations: canvases.length,
    };
  });
}

export const canvasesOf = ({ known, unknown }: DecisionReading): OptionCanvas[] =>
  unknown === undefined ? [known] : [known, unknown];

function readingsOf(question: Question, index: number, spec: DecisionSpec, model: LoadedModel): DecisionReading[] {
  const { manifest, tokenizer } = model;
  const orders = ordersOf(question, spec, decisionsOf(manifest).lists_options);
  return listings(optionsOf(question), spec.order, orders).map((listing) => {
    const canvas = (state: DecisionSpec['state'] | undefined) => {
      const made = optionCanvas(question, state, listing, manifest, tokenizer);
      refuseTooLong(made, index, state !== undefined, model);
      return made;
    };
    return spec.prior ? { unknown: canvas(undefined), known: canvas(spec.state) } : { known: canvas(spec.state) };
  });
}

/**
 * The orders in which options are listed. Every option comes first, second, ... equally often, as far as the orders go, and the caller's own order
 * does not matter: they begin from the options sorted.
 */
function listings(options: readonly string[], order: boolean, orders: number): (readonly string[])[] {
  if (!order) return [options];
  const sorted = [...options].sort();
  return Array.from({ length: orders }, (_, i) => {
    const first = Math.floor((i * sorted.length) / orders);
    return [...sorted.slice(first), ...sorted.slice(0, first)];
  });
}

function refuseTooLong({ ids }: OptionCanvas, index: number, stated: boolean, { manifest }: LoadedModel): void {
  if (ids.length <= manifest.context) return;
  const what = stated ? 'State, question' : 'Question';
  const detail = `${what} and options of question ${index} take ${ids.length} positions, and model ${manifest.id} has ${manifest.context}.`;
  throw problem('limit_exceeded', detail, { pointer: stated ? '/state' : `/questions/${index}` });
}

/** The first event of a question. Its canvas is nobody's text: nothing of it is shown. */
export function decisionAccepted({ id, index, seed, model, positions, evaluations }: DecisionTask): AcceptedEvent {
  const { id: name, revision } = model.manifest;
  return { type: 'accepted', id, model: name, revision, seed, index, positions, fixed: [], steps: evaluations };
}
