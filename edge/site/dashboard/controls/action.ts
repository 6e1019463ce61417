/** Something that somebody asks for and that may be refused: one at a time, with its problem in view until the next try. */
import { nothing, type TemplateResult } from 'lit';
import { problemNotice } from './problem-notice.ts';

export interface Action {
  /** Does nothing while it runs already. */
  run(work: () => Promise<void>): Promise<void>;
  busy(): boolean;
  /** Whether the last refusal was about this field, or something in it. */
  refused(pointer: string): boolean;
  /** Forgets the problem. */
  clear(): void;
  view(): TemplateResult | typeof nothing;
}

export function createAction(changed: () => void): Action {
  let busy = false;
  let error: unknown;

  async function run(work: () => Promise<void>): Promise<void> {
    if (busy) return;
    busy = true;
    error = undefined;
    changed();
    try {
      await work();
    } catch (thrown) {
      error = thrown;
    } finally {
      busy = false;
      changed();
    }
  }

  return {
    run,
    busy: () => busy,
    refused: (pointer) => `${(error as { pointer?: string } | undefined)?.pointer ?? ''}/`.startsWith(`${pointer}/`),
    clear() {
      error = undefined;
    },
    view: () => (error === undefined ? nothing : problemNotice(error)),
  };
}
