/** One run of a request: its steps as they arrive, how it ended, and what the headers said. */
import { createClient, MaskwrightError, type TextRequest } from '../../../../shared/client/client.ts';
import type { Charge } from '../../../../shared/contract/price.ts';
import type { AcceptedEvent, DoneEvent } from '../../../../shared/contract/stream.ts';
import { firstRow, nextRow, type Row } from './history.ts';

/** Of the public API: what the text cost is part of its end. */
export type Priced = DoneEvent & { readonly usage: DoneEvent['usage'] & { readonly price: Charge } };

export interface Run {
  readonly request: TextRequest;
  status: 'running' | 'done' | 'refused' | 'stopped';
  accepted?: AcceptedEvent;
  rows: Row[];
  done?: Priced;
  error?: MaskwrightError;
  /** The header `Cache-Status`. */
  cache?: string;
  stop(): void;
}

export interface RunOptions {
  readonly url: string;
  readonly key: string;
  readonly request: TextRequest;
  /** Called after each change. */
  readonly changed: () => void;
}

/** Begins at once; what happens shows in the run that comes back. */
export function startRun({ url, key, request, changed }: RunOptions): Run {
  const abort = new AbortController();
  const run: Run = { request, status: 'running', rows: [], stop: () => abort.abort() };
  const client = createClient({
    key,
    url,
    fetch: async (...call) => {
      const response = await fetch(...call);
      run.cache ??= response.headers.get('cache-status') ?? undefined;
      return response;
    },
  });
  void follow();
  return run;

  async function follow(): Promise<void> {
    try {
      for await (const { event } of client.steps(request, { signal: abort.signal })) {
        if (event.type === 'accepted') {
          run.accepted = event;
          run.rows = [firstRow(event)];
        } else if (event.type === 'step') run.rows.push(nextRow(run.rows.at(-1)!, event));
        else run.done = event as Priced;
        changed();
      }
      run.status = 'done';
    } catch (error) {
      run.status = abort.signal.aborted ? 'stopped' : 'refused';
      if (run.status === 'refused') run.error = asError(error);
    }
    changed();
  }
}

const asError = (error: unknown): MaskwrightError =>
  error instanceof MaskwrightError
    ? error
    : new MaskwrightError({ status: 0, code: 'unexpected', detail: String(error) });
