/**
 * The engine's end of the line: answers what the routes' thread asks by a dispatch of its own thread.
 */
import { ProblemError } from '../../shared/contract/problem.ts';
import type { MetricsSnapshot } from '../engine/metrics.ts';
import { createGate, type SettableGate } from '../engine/reader.ts';
import type { LocalDispatch } from './dispatch.ts';
import type { FromEngine, Line, ToEngine } from './thread-messages.ts';

/**
 * @param loading resolves when the models are loaded
 * @param metrics what has been counted
 */
export function serveThread(
  line: Line<FromEngine, ToEngine>,
  dispatch: LocalDispatch,
  loading: Promise<unknown>,
  metrics: () => Promise<MetricsSnapshot>,
): void {
  const running = new Map<number, { readonly controller: AbortController; readonly wants: SettableGate }>();

  async function generate({ call, job, resumption }: Extract<ToEngine, { type: 'generate' }>): Promise<void> {
    const controller = new AbortController();
    const wants = createGate();
    running.set(call, { controller, wants });
    try {
      for await (const event of dispatch.generate(job, { signal: controller.signal, wants }, resumption)) {
        line.postMessage({ type: 'event', call, event });
      }
      line.postMessage({ type: 'end', call });
    } catch (reason) {
      if (!controller.signal.aborted) fail(call, reason); // else nobody listens any more
    } finally {
      running.delete(call);
    }
  }

  async function answerLoad(call: number): Promise<void> {
    try {
      line.postMessage({ type: 'end', call, answer: await dispatch.load() });
    } catch (reason) {
      fail(call, reason);
    }
  }

  function fail(call: number, reason: unknown): void {
    if (reason instanceof ProblemError) line.postMessage({ type: 'problem', call, problem: reason.problem });
    else line.postMessage({ type: 'failure', call, reason });
  }

  line.on('message', (message) => {
    switch (message.type) {
      case 'generate':
        void generate(message);
        break;
      case 'abort':
        running.get(message.call)?.controller.abort(new Error('the reader went away'));
        break;
      case 'rest':
      case 'go':
        running.get(message.call)?.wants.set(message.type === 'go');
        break;
      case 'metrics':
        void metrics().then((answer) => line.postMessage({ type: 'end', call: message.call, answer }));
        break;
      case 'load':
        void answerLoad(message.call);
        break;
      case 'drain':
        void dispatch.drain(message.graceMs).then(() => line.postMessage({ type: 'end', call: message.call }));
        break;
    }
  });
  loading.then(
    () => line.postMessage({ type: 'ready', models: dispatch.models() }),
    (reason: unknown) => {
      line.postMessage({ type: 'unloadable', reason: reason instanceof Error ? reason.message : String(reason) });
    },
  );
}
