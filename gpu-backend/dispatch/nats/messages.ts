/**
 * What gateways and engines say to each other, and the check of what is received: another version, or another program, may have sent it.
 */
import * as v from 'valibot';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { jobSchema } from '../../../shared/contract/job.ts';
import type { ModelSummary } from '../../../shared/contract/manifest.ts';
import { PROBLEMS, type ProblemCode } from '../../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import type { TextCheckpoint } from '../../denoise/checkpoint.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const name = v.pipe(v.string(), v.regex(/^[\w-]{1,128}$/));

const submission = {
  job: jobSchema as v.GenericSchema<unknown, GenerationJob>,
  /** Of this submission, unique: an id that is sent again much later is another run. */
  run: name,
  /** Which gateway reads the events. */
  gateway: name,
  /** Unix milliseconds. */
  deadline: count,
};

/** First of a job's subject of events: whoever takes the job up from another gateway learns from it what it is. */
const announcementSchema = v.object({ type: v.literal('submission'), ...submission });
export type Submission = Omit<v.InferOutput<typeof announcementSchema>, 'type'>;

/** In the stream of jobs. */
const workSchema = v.object({
  ...submission,
  /** How often the job was taken up again after a rest; what is said of an earlier turn is out of date. */
  turn: count,
});
export type WorkMessage = v.InferOutput<typeof workSchema>;

// Fields beyond those that are acted upon are the engine's and pass as they are.
const eventSchema = v.variant('type', [
  v.looseObject({ type: v.literal('accepted'), index: count, revision: v.string(), positions: count, steps: count }),
  v.looseObject({ type: v.literal('step'), index: count, step: count, committed: v.array(v.unknown()) }),
  v.looseObject({
    ...{ type: v.literal('done'), index: count, text: v.string() },
    usage: v.looseObject({ denoising_steps: count }),
  }),
  v.looseObject({
    type: v.literal('problem'),
    problem: v.looseObject({ code: v.picklist(Object.keys(PROBLEMS) as ProblemCode[]), detail: v.string() }),
  }),
]) as v.GenericSchema<unknown, unknown> as v.GenericSchema<unknown, GenerationEvent>;

const eventsSchema = v.object({
  type: v.literal('events'),
  run: name,
  /** Which claim to the job they come from, and their number among its messages. */
  lease: name,
  part: count,
  events: v.pipe(v.array(eventSchema), v.readonly()),
});
/** The engine has written a checkpoint and freed the job. */
const restedSchema = v.object({ type: v.literal('rested'), run: name, turn: count });

const streamSchema = v.variant('type', [announcementSchema, eventsSchema, restedSchema]);
/** In a job's subject of events. */
export type StreamMessage = v.InferOutput<typeof streamSchema>;
export type EventsMessage = v.InferOutput<typeof eventsSchema>;

const recordSchema = v.object({
  run: name,
  /**
   * `working`: begun, perhaps dropped since. `resting`: freed until its reader wants more; `ended`: its last event is published;
   * `cancelled`: nobody wants it any more.
   */
  state: v.picklist(['working', 'resting', 'ended', 'cancelled']),
  /** Who wrote it last, and the number of the write among his. */
  lease: v.string(),
  write: count,
  turn: count,
  /** Claims since the checkpoints last went forward. */
  tries: count,
  /** Of the model the texts were begun with. */
  revision: v.optional(v.string()),
  // The engine checks them against the task they belong to.
  texts: v.array(v.looseObject({ index: count, step: count, canvas: v.array(v.number()) })) as v.GenericSchema<
    unknown,
    unknown
  > as v.GenericSchema<unknown, TextCheckpoint[]>,
});
/** In the bucket of checkpoints, under the job's id. */
export type JobRecord = v.InferOutput<typeof recordSchema>;

const orderSchema = v.object({ order: v.picklist(['cancel', 'rest']), id: name, run: name });
/** To all engines: whoever works on it obeys. */
export type Order = v.InferOutput<typeof orderSchema>;

const takenSchema = v.object({ id: name, run: name });
export type Taken = v.InferOutput<typeof takenSchema>;

const heartbeatSchema = v.object({
  engine: name,
  models: v.array(v.looseObject({ id: v.string(), revision: v.string() })) as v.GenericSchema<
    unknown,
    unknown
  > as v.GenericSchema<unknown, ModelSummary[]>,
  /** Texts that are worked on, and the most that are at once. */
  running: count,
  room: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Jobs that the engine finishes when it is busy. */
  jobsPerSecond: v.pipe(v.number(), v.minValue(0)),
  /** It takes no new work. */
  draining: v.boolean(),
});
export type Heartbeat = v.InferOutput<typeof heartbeatSchema>;

/** A message that cannot be what it should be. */
export class MalformedMessage extends Error {}

function reader<T>(what: string, schema: v.GenericSchema<unknown, T>): (data: Uint8Array) => T {
  return (data) => {
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
    } catch {
      throw new MalformedMessage(`a ${what} that is not JSON`);
    }
    const result = v.safeParse(schema, json);
    if (result.success) return result.output;
    const [issue] = result.issues;
    throw new MalformedMessage(`a ${what} whose ${v.getDotPath(issue) ?? 'body'} is not valid: ${issue.message}`);
  };
}

/** Each throws MalformedMessage. */
export const readWork = reader<WorkMessage>('job', workSchema);
export const readStreamMessage = reader<StreamMessage>('message of a job', streamSchema);
export const readRecord = reader<JobRecord>('checkpoint', recordSchema);
export const readOrder = reader<Order>('order', orderSchema);
export const readTaken = reader<Taken>('note of a job taken up', takenSchema);
export const readHeartbeat = reader<Heartbeat>('heartbeat', heartbeatSchema);

export function encode(message: WorkMessage | StreamMessage | JobRecord | Order | Taken | Heartbeat): string {
  return JSON.stringify(message);
}
