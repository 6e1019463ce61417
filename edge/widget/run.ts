/** One run of a preset: its events as they arrive, from the beginning to the end, wherever that is. */
import { MaskwrightError, noAnswer, readProblem } from '../../shared/client/error.ts';
import { serverSentEvents } from '../../shared/client/server-sent-events.ts';
import { createTransport } from '../../shared/client/transport.ts';
import type { ProgressEvent } from '../../shared/contract/stream.ts';
import { takeLane } from './lanes.ts';

/** A page waits for a text, but not long: its fallback is better than a place that stays empty. */
const RETRIES = 2;
const PATIENCE_MS = 5_000;

export interface PresetRun {
  /** Origin of the API. */
  readonly api: string;
  readonly preset: string;
  readonly variables: Readonly<Record<string, string>>;
  /** `pk_...`, or the secret of a client session: another one than before where `anew`. */
  key(anew: boolean): Promise<string>;
}

/** @throws MaskwrightError for a problem before or in the stream; what `key` throws; the signal's reason */
export async function* runPreset(run: PresetRun, signal: AbortSignal): AsyncGenerator<ProgressEvent, void> {
  const leaveLane = await takeLane(signal);
  try {
    yield* eventsOf(await begin(run, signal));
  } finally {
    leaveLane();
  }
}

async function begin(run: PresetRun, signal: AbortSignal): Promise<Response> {
  const send = async (anew: boolean) => {
    const key = await run.key(anew);
    const call = createTransport({ key, url: run.api, retries: RETRIES, patience: PATIENCE_MS, fetch });
    return await call({
      method: 'POST',
      path: `/v1/presets/${encodeURIComponent(run.preset)}/runs`,
      body: { variables: run.variables, stream: 'steps' },
      headers: { 'idempotency-key': crypto.randomUUID() },
      signal,
      repeatable: true,
    });
  };
  try {
    return await send(false);
  } catch (error) {
    // A session may have ended, or been used up by another widget, since it was opened.
    if (error instanceof MaskwrightError && /^session_(expired|used)$/.test(error.code)) return await send(true);
    throw error;
  }
}

async function* eventsOf(response: Response): AsyncGenerator<ProgressEvent, void> {
  try {
    for await (const { name, data } of serverSentEvents(response.body!)) {
      // Read to its end: a connection that is broken off before it is not used again.
      if (data === '[DONE]') continue;
      const event = JSON.parse(data);
      if (name === 'problem') throw readProblem(JSON.stringify(event.problem));
      yield event;
    }
  } catch (error) {
    throw error instanceof MaskwrightError ? error : noAnswer('The stream broke off.', error);
  }
}
