/**
 * Dispatch to an engine in a thread of its own, so that neither the model nor the lattice ever holds up the routes.
 */
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { ProblemError } from '../../shared/contract/problem.ts';
import type { WorkEvent } from '../engine/engine.ts';
import type { EngineLoad } from '../engine/load.ts';
import type { MetricsSnapshot } from '../engine/metrics.ts';
import type { ModelState } from '../model/pool.ts';
import { type Channel, createChannel } from './channel.ts';
import { type LocalDispatch, unavailable } from './dispatch.ts';
import type { FromEngine, Line, ToEngine } from './thread-messages.ts';

export interface ThreadDispatch extends LocalDispatch {
  /** Resolves when the models are loaded; rejects when they cannot be, or the thread ends before. */
  readonly ready: Promise<void>;
  /** What the engine counts. */
  metrics(): Promise<MetricsSnapshot>;
  /** To be told when the thread has ended: what runs fails with backend_unavailable, and nothing new is taken. */
  ended(reason: Error): void;
}

/** What an answer may be: events of a job, or the one thing that was asked for. */
type Answers = Channel<WorkEvent | MetricsSnapshot | EngineLoad>;

/**
 * @param line to the thread, at whose other end is `serveThread`
 * @param onModel told whenever a model stands otherwise than before
 */
export function threadDispatch(
  line: Line<ToEngine, FromEngine>,
  onModel: (state: ModelState) => void = () => {},
): ThreadDispatch {
  const { promise: ready, resolve: loaded, reject: unloadable } = Promise.withResolvers<void>();
  ready.catch(() => {}); // whoever awaits it sees why; it need not be anybody
  const calls = new Map<number, Answers>();
  let lastCall = 0;
  const states = new Map<string, ModelState>();
  let summaries: readonly ModelSummary[] | undefined;
  let draining = false;
  let stopped = false;

  line.on('message', (message) => {
    if (message.type === 'ready') {
      summaries = message.models;
      loaded();
    } else if (message.type === 'model') {
      states.set(message.model.id, message.model);
      onModel(message.model);
    } else if (message.type === 'unloadable') unloadable(new Error(message.reason));
    else answer(message, calls.get(message.call));
  });

  function answer(message: Extract<FromEngine, { readonly call: number }>, answers: Answers | undefined): void {
    if (message.type === 'event') answers?.push(message.event);
    else if (message.type === 'problem') answers?.fail(new ProblemError(message.problem));
    else if (message.type === 'failure') answers?.fail(message.reason);
    else {
      if (message.answer !== undefined) answers?.push(message.answer);
      answers?.end();
    }
  }

  function open(): { readonly call: number; readonly answers: Answers } {
    const call = ++lastCall;
    const answers: Answers = createChannel();
    calls.set(call, answers);
    if (stopped) answers.fail(unavailable('stopped'));
    return { call, answers };
  }

  async function ask(message: (call: number) => ToEngine): Promise<unknown> {
    const { call, answers } = open();
    try {
      line.postMessage(message(call));
      let answer: unknown;
      for await (const value of answers.values()) answer = value;
      return answer;
    } finally {
      calls.delete(call);
    }
  }

  const unready = () => {
    if (stopped) return 'stopped';
    if (draining) return 'draining';
    return summaries === undefined ? 'loading' : undefined;
  };

  return {
    ready,
    unready,
    models() {
      if (summaries === undefined) throw unavailable('loading');
      return summaries;
    },
    states: () => [...states.values()],
    metrics: async () => (await ask((call) => ({ type: 'metrics', call }))) as MetricsSnapshot,
    load: async () => (await ask((call) => ({ type: 'load', call }))) as EngineLoad,
    async *generate(job, { signal, wants }, resumption) {
      signal.throwIfAborted();
      const reason = unready();
      if (reason !== undefined) throw unavailable(reason);
      const { call, answers } = open();
      const stop = () => answers.fail(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      line.postMessage({ type: 'generate', call, job, resumption });
      const tell = (open: boolean) => line.postMessage({ type: open ? 'go' : 'rest', call });
      if (!wants.open) tell(false);
      const forget = wants.onChange(tell);
      let running = true;
      try {
        for await (const event of answers.values()) {
          signal.throwIfAborted(); // what was pushed before the abort is not handed out behind it
          yield event as WorkEvent;
        }
        running = false;
      } finally {
        signal.removeEventListener('abort', stop);
        forget();
        calls.delete(call);
        if (running) line.postMessage({ type: 'abort', call });
      }
    },
    async drain(graceMs) {
      draining = true;
      if (!stopped) await ask((call) => ({ type: 'drain', call, graceMs }));
    },
    ended(reason) {
      stopped = true;
      unloadable(reason);
      for (const answers of calls.values()) answers.fail(unavailable('stopped'));
    },
  };
}
