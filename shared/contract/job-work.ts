/** What the inference service says of the work it did for a job: what it is paid by when nobody listened to the end. */
import type { Work } from './price.ts';

export interface JobWork {
  readonly id: string;
  readonly state: 'running' | 'ended';
  /** Of a job that has ended: all its texts were finished, a problem of ours broke it off, its reader left. */
  readonly outcome?: 'done' | 'problem' | 'left';
  /** Each text that was begun: its positions, and the denoising steps that ran and were recorded. */
  readonly texts: readonly Work[];
}
