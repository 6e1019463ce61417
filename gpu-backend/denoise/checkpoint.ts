/**
 * The whole state of one text between two steps, small enough to be written away every few steps: another engine goes on from it
 * and makes the same text, byte for byte. All random numbers are counter-based, so the step number is all there is to say of them.
 * Rows, keys and values are megabytes: of those it says which canvas they were of, and whoever goes on evaluates that canvas again.
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { MASKED } from './constraint.ts';
import type { Task } from './task.ts';

/** Raise it whenever the loop would go on otherwise from the same checkpoint, or a checkpoint has another shape. */
export const CHECKPOINT_FORMAT = 1;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Token at each text position, -1 where masked. */
const canvas = v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(MASKED))), v.readonly());

const rowState = v.strictObject({
  evaluations: count,
  positions: count,
  /** The canvas whose keys and values the windows of a block read. */
  known: v.optional(v.strictObject({ block: count, canvas })),
  /** The last evaluation, where its rows are read once more. */
  last: v.optional(
    v.strictObject({ kind: v.picklist(['untempered', 'whole', 'window']), block: v.optional(count), canvas }),
  ),
});

/** JSON has no infinities: those are written as strings. */
const looseNumber = v.union([v.number(), v.picklist(['Infinity', '-Infinity', 'NaN'])]);

const editingState = v.strictObject({
  /** The block under work. */
  current: count,
  rounds: count,
  /** What the block has been. */
  seen: v.array(v.string()),
  /** Token that was wished for at each position and not granted, -1 where there was none. */
  denied: canvas,
});

const schema = v.strictObject({
  format: v.literal(CHECKPOINT_FORMAT),
  /** Of the model that the text is written with. */
  revision: v.string(),
  /** Digest of all that settles the text before its first step. */
  task: v.string(),
  /** Which of the n texts of the job. */
  index: count,
  /** The last step that was taken, from 1. */
  step: v.pipe(v.number(), v.integer(), v.minValue(1)),
  canvas,
  /** Tokens kept so far, those that were taken back included. */
  committed: count,
  /** Where an open text ends, settled with its first proposal. */
  end: v.optional(count),
  choiceProbabilities: v.optional(
    v.record(
      v.string(),
      v.pipe(v.array(v.strictObject({ choice: v.string(), probability: v.number() })), v.readonly()),
    ),
  ),
  /** Whether the last step changed nothing, so that the next one reads the same rows. */
  unchanged: v.boolean(),
  rows: rowState,
  /** What the sampler looks back on, one number or several for each position. */
  memory: v.optional(v.array(looseNumber)),
  editing: v.optional(editingState),
});

/** Survives JSON unchanged. */
export type TextCheckpoint = v.InferOutput<typeof schema>;
export type RowState = TextCheckpoint['rows'];
export type MemoryState = NonNullable<TextCheckpoint['memory']>;
export type EditingState = NonNullable<TextCheckpoint['editing']>;

/** What says whose checkpoint it is. */
export function identityOf(task: Task): Pick<TextCheckpoint, 'format' | 'revision' | 'task' | 'index'> {
  const { id, index, seed, model, constraint, layout, sampler, steps, blocks } = task;
  const { prefix, basePrefix, guidance, paddedLength } = layout;
  const settled = [
    ...[id, index, seed, sampler.name, steps, task.temperature, task.repetitionPenalty, task.kvCache],
    ...[task.choiceProbabilities, guidance, paddedLength, blocks],
    ...[prefix, basePrefix ?? [], constraint.fixed].map((tokens) => [...tokens]),
  ];
  const digest = createHash('sha256').update(JSON.stringify(settled)).digest('hex');
  return { format: CHECKPOINT_FORMAT, revision: model.manifest.revision, task: digest.slice(0, 32), index };
}

/**
 * A checkpoint from outside, as one of this text.
 *
 * @throws Error where it is none, or not of this text: going on from it would write another one
 */
export function checkpointFor(task: Task, given: unknown): TextCheckpoint {
  const refuse = (detail: string) => new Error(`text ${task.index} of ${task.id} cannot be taken up: ${detail}`);
  const { format } = Object(given) as { format?: unknown };
  if (format !== CHECKPOINT_FORMAT) {
    throw refuse(`its checkpoint has format ${String(format)}; this version reads ${CHECKPOINT_FORMAT}`);
  }
  const parsed = v.safeParse(schema, given);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw refuse(`its checkpoint is malformed at ${v.getDotPath(issue) ?? 'the top'}: ${issue.message}`);
  }
  const { output } = parsed;
  const own = identityOf(task);
  if (output.revision !== own.revision) {
    throw refuse(`its checkpoint is of model revision ${output.revision}, this is ${own.revision}`);
  }
  const { positions, fixed } = task.constraint;
  if (output.canvas.length !== positions) {
    throw refuse(`its checkpoint has ${output.canvas.length} positions, the text ${positions}`);
  }
  if (output.index !== own.index || output.task !== own.task) {
    throw refuse('its checkpoint is of another text, or of this one set up otherwise');
  }
  const problem = inconsistency(task, output);
  if (problem !== undefined) throw refuse(`its checkpoint is damaged: ${problem}`);
  if (fixed.some((token, position) => token !== MASKED && output.canvas[position] !== token)) {
    throw refuse('its checkpoint lacks tokens that stand from the start');
  }
  return output;
}

/** What no checkpoint of ours says. */
function inconsistency({ steps, blocks, sampler, constraint, model }: Task, given: TextCheckpoint): string | undefined {
  const { rows, memory, editing } = given;
  if (given.step > steps) return `step ${given.step} of ${steps}`;
  for (const at of [rows.known?.block, rows.last?.block]) {
    if (at !== undefined && at >= blocks.length) return `block ${at} of ${blocks.length}`;
  }
  if (rows.last !== undefined && (rows.last.kind === 'untempered') !== (rows.last.block === undefined)) {
    return 'an evaluation without its block';
  }
  const readAgain = given.unchanged || sampler.remembers === 'drift';
  if (readAgain !== (rows.last !== undefined)) return 'the last evaluation';
  const canvases = [given.canvas, rows.known?.canvas, rows.last?.canvas, editing?.denied].flatMap((tokens) =>
    tokens === undefined ? [] : [tokens],
  );
  for (const tokens of canvases) {
    if (tokens.length !== constraint.positions) return `a canvas of ${tokens.length} positions`;
    const unknown = tokens.find((token) => token >= model.session.vocabulary);
    if (unknown !== undefined) return `token ${unknown}`;
  }
  if ((memory === undefined) !== (sampler.remembers === undefined)) return 'what the sampler looks back on';
  if ((editing === undefined) !== (sampler.edits === undefined)) return 'the state of editing';
  return undefined;
}
