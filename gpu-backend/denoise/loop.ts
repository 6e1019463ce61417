/**
 * The denoising loop of one text: model -> constraint -> sampler, until no mask is left.
 *
 * An async generator that asks for model evaluations through a function it is given. Whoever gives it decides when an evaluation
 * runs and with which neighbours; the loop of one text is written as if it were alone. Its whole state between two steps is
 * small (checkpoint.ts), and a text that is taken up from it goes on as if it had never been left.
 */
import type { CommittedToken, StepEvent, Usage } from '../../shared/contract/stream.ts';
import { keptPositions } from './asked.ts';
import { type Block, countMasks, currentBlock } from './blocks.ts';
import { checkpointFor, identityOf, type TextCheckpoint } from './checkpoint.ts';
import { type Finished, MASKED, type Proposal, type Rows } from './constraint.ts';
import { createEditing } from './editing.ts';
import { createMemory } from './memory.ts';
import { type Evaluate, inverseTemperature } from './need.ts';
import { uniforms } from './random.ts';
import { discourageRepetition } from './repetition.ts';
import { createRowSource } from './row-source.ts';
import { pickRows } from './rows.ts';
import { NOTHING, type Selection, type StepContext } from './samplers/sampler.ts';
import type { Task } from './task.ts';
import { tokenText } from './text-tokens.ts';

/** A text that is ready, unchecked. */
export interface DenoisedText extends Finished {
  /** Tokens of the text, the end-of-text tail not counted. */
  readonly tokens: number;
  /** Where the request asks for them. */
  readonly choiceProbabilities?: ReturnType<NonNullable<Task['constraint']['choiceProbabilities']>>;
  readonly usage: Usage;
}

const NOTHING_TO_PROPOSE: Proposal = { positions: NOTHING, tokens: NOTHING, confidence: new Float64Array(0) };

export interface DenoiseOptions {
  /** When aborted, the loop throws its reason before the next step begins. */
  readonly signal?: AbortSignal;
  /** Where the text is taken up; from the beginning without it. */
  readonly from?: TextCheckpoint;
}

/** A step that was taken. */
export interface TextStep {
  readonly event: StepEvent;
  /** Whether it was the text's last one. */
  readonly last: boolean;
  /** The state behind this step. To be asked for before the next step is. */
  checkpoint(): TextCheckpoint;
}

/**
 * Denoises one text, one step at a time.
 *
 * @throws Error where `from` is not of this text
 */
export async function* denoise(
  task: Task,
  evaluate: Evaluate,
  { signal, from: given }: DenoiseOptions = {},
): AsyncGenerator<TextStep, DenoisedText> {
  const from = given === undefined ? undefined : checkpointFor(task, given);
  const canvas = Int32Array.from(from?.canvas ?? task.constraint.fixed);
  const counted = { steps: from?.step ?? 0, committed: from?.committed ?? 0 };
  const source = createRowSource(task, evaluate, { signal, from: from?.rows });
  const { eos } = task.model.manifest.tokens;
  const memory = createMemory(task.sampler, canvas.length, from?.memory);
  const editing = task.sampler.edits && createEditing(task.blocks, canvas.length, from?.editing);
  const blockAt = (step: number) => editing?.block(canvas, step) ?? currentBlock(task.blocks, canvas);
  const looksBack = task.sampler.remembers === 'drift';
  let rows: Rows | undefined; // of the canvas as it is
  let own: Rows | undefined; // the same where they are a copy of ours, which no other evaluation overwrites
  let choiceProbabilities: DenoisedText['choiceProbabilities'] = from?.choiceProbabilities;
  let block = blockAt(counted.steps + 1);
  if (from !== undefined) {
    task.constraint.takeUp?.(from.end);
    if (block !== undefined && (from.unchanged || looksBack)) {
      const again = (await source.again())();
      memory.recollect(again);
      if (from.unchanged) rows = again;
    }
  } else if (block !== undefined && task.choiceProbabilities) {
    // The model's own probabilities, not those of the temperature the text is drawn at; where that is 1 they are the first step's rows.
    const untempered = (await source.untempered(canvas))();
    choiceProbabilities = task.constraint.choiceProbabilities?.(canvas, untempered);
    // Summaries are of the model's own probabilities too; a penalty would have to be known to the device.
    const serves = untempered.summaries === undefined || task.repetitionPenalty === 1;
    if (inverseTemperature(task) === 1 && serves) rows = untempered;
  }
  for (let step = counted.steps + 1; block !== undefined; step++) {
    signal?.throwIfAborted();
    if (step > task.steps) {
      throw new Error(`${countMasks(canvas)} positions are masked after the last of ${task.steps} steps`);
    }
    const kept = keptPositions(task, canvas, block);
    const seen = rows === undefined || step === 1;
    rows ??= (await source.rows(canvas, block))();
    if (seen) memory.observe(rows);
    // Tokens to be replaced are masked for the proposal and kept as it says: what stands is part of one accepted text.
    const wanted = editing?.wanted(task.sampler, canvas, kept, rows) ?? NOTHING;
    const open = canvas.slice();
    for (const position of wanted) open[position] = MASKED;
    const offered = discourageRepetition(rowsAt(rows, open), open, task.repetitionPenalty, eos);
    const random = uniforms(task.seed, task.index, step, 'proposal');
    const { temperature, sampler } = task;
    const proposal =
      offered.positions.length === 0
        ? NOTHING_TO_PROPOSE // a finished text that was looked over, and nothing is to be replaced
        : task.constraint.propose(open, offered, { temperature, random, measure: sampler.measure });
    const selection = select(task, canvas, { block, kept, wanted, step, ...memory.recall(proposal, kept) }, proposal);
    const committed = apply(task, canvas, proposal, selection);
    for (const index of selection.commit) memory.keep(proposal, index);
    editing?.note(canvas, wanted, proposal, selection.remask.length);
    counted.steps = step;
    counted.committed += committed.length;
    // The model sees the canvas alone, neither time nor step: a canvas that did not change has the same rows.
    const changed = committed.length > 0 || selection.remask.length > 0;
    if (changed) rows = undefined;
    else if (rows !== own) rows = own = { ...rows, probabilities: rows.probabilities.slice() };
    block = blockAt(step + 1);
    yield {
      event: {
        type: 'step',
        index: task.index,
        step,
        committed,
        remasked: [...selection.remask],
        masks_left: countMasks(canvas),
        ...(task.sampler.revises ? { settled: settledUntil(task, block) } : {}),
      },
      last: block === undefined,
      checkpoint: () => ({
        ...identityOf(task),
        step,
        canvas: [...canvas],
        committed: counted.committed,
        end: task.constraint.settledEnd?.(),
        choiceProbabilities,
        unchanged: !changed,
        rows: source.state(!changed || looksBack),
        memory: memory.state(),
        editing: editing?.state(),
      }),
    };
  }
  const usage: Usage = {
    positions: canvas.length,
    denoising_steps: counted.steps,
    model_evaluations: source.counted.evaluations,
    positions_evaluated: source.counted.positions,
    committed_per_step: counted.steps === 0 ? 0 : counted.committed / counted.steps,
  };
  const tokens = canvas.reduce((count, token) => (token === eos ? count : count + 1), 0);
  return { ...task.constraint.finish(canvas), tokens, choiceProbabilities, usage };
}

/** The rows of the positions that are masked on a canvas, of rows that cover them. */
function rowsAt(rows: Rows, canvas: Int32Array): Rows {
  const masked = (position: number) => canvas[position] === MASKED;
  return rows.positions.every(masked) ? rows : pickRows(rows, masked);
}

/** Positions from the left at which nothing changes any more: those before the block that comes next, and what is fixed behind them. */
function settledUntil({ constraint: { fixed } }: Task, next: Block | undefined): number {
  let position = next?.from ?? fixed.length;
  while (position < fixed.length && fixed[position] !== MASKED) position++;
  return position;
}

/** What a step is about, beside its proposal. */
interface StepScope extends Pick<StepContext, 'kept' | 'drift' | 'keptConfidence'> {
  readonly block: Block;
  readonly step: number;
  /** Kept positions that the proposal was asked to replace. */
  readonly wanted: Int32Array;
}

function select(
  task: Task,
  canvas: Int32Array,
  { block, step, wanted, ...context }: StepScope,
  proposal: Proposal,
): Selection {
  const candidates: number[] = [];
  const settled: number[] = []; // without the sampler
  const replaced: number[] = [];
  proposal.positions.forEach((position, index) => {
    if (wanted.includes(position)) {
      if (proposal.tokens[index] === canvas[position]) return;
      settled.push(index);
      replaced.push(position);
    } else if (proposal.forced?.[index] === 1) settled.push(index);
    else if (position >= block.from && position < block.to) candidates.push(index);
  });
  if (candidates.length === 0) return { commit: Int32Array.from(settled), remask: Int32Array.from(replaced) };
  const { commit, remask } = task.sampler.select({
    ...context,
    proposal,
    candidates: Int32Array.from(candidates),
    blockSteps: block.lastStep - block.firstStep + 1,
    stepsLeft: Math.max(block.lastStep - step + 1, 1),
    random: uniforms(task.seed, task.index, step, 'sampler'),
  });
  return { commit: Int32Array.from([...commit, ...settled]), remask: Int32Array.from([...remask, ...replaced]) };
}

/** Writes a selection to the canvas. What the constraint fixed is never masked again, whatever a sampler says. */
function apply(task: Task, canvas: Int32Array, proposal: Proposal, { commit, remask }: Selection): CommittedToken[] {
  for (const position of remask) {
    if (task.constraint.fixed[position] !== MASKED)
      throw new Error(`position ${position} is fixed and cannot be masked`);
    canvas[position] = MASKED;
  }
  const committed: CommittedToken[] = [];
  for (const index of commit.slice().sort()) {
    const position = proposal.positions[index];
    const token = proposal.tokens[index];
    canvas[position] = token;
    const confidence = proposal.confidence[index];
    committed.push({ ...tokenText(position, task.model.tokenizer.tokenBytes(token)), confidence });
  }
  return committed;
}
