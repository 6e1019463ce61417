/**
 * What whoever runs an engine has beyond a job and its events: where the texts stand, and where they are taken up.
 */
import type { GenerationEvent } from '../../shared/contract/stream.ts';
import type { TextCheckpoint } from '../denoise/checkpoint.ts';

/** Where a text stands: all steps up to it were handed out before. For whoever runs the engine, not for readers. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly checkpoint: TextCheckpoint;
}

export type WorkEvent = GenerationEvent | CheckpointEvent;

/** Work that was begun elsewhere, and work that may have to go on elsewhere. */
export interface Resumption {
  /** Where texts of the job are taken up; texts without a checkpoint begin anew. */
  readonly from?: readonly TextCheckpoint[];
  /** Steps of a text from one `checkpoint` event to the next; without it there are none. */
  readonly checkpointEvery?: number;
}
