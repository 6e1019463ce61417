/**
 * An engine with the tiny model at the other end of a line of real message ports.
 */
import { MessageChannel } from 'node:worker_threads';
import { afterEach } from 'vitest';
import { inlineDispatch } from '../../../gpu-backend/dispatch/inline.ts';
import { serveThread } from '../../../gpu-backend/dispatch/serve-thread.ts';
import { threadDispatch } from '../../../gpu-backend/dispatch/thread.ts';
import type { FromEngine } from '../../../gpu-backend/dispatch/thread-messages.ts';
import type { Capacity } from '../../../gpu-backend/engine/capacity.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { createEngine } from '../../../gpu-backend/engine/engine.ts';
import { fixedModels, type ModelState } from '../../../gpu-backend/model/pool.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { tinyModel, tinySession } from '../tiny-model.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface LineOptions {
  readonly capacity?: Partial<Capacity>;
  /** What the engine is loaded behind. */
  readonly loading?: Promise<void>;
}

/** @param before what each evaluation waits for */
export function lineTo(before: () => Promise<void> = async () => {}, { capacity, loading }: LineOptions = {}) {
  const session = tinySession(before);
  const check = () => ({ held: [], failed: [] });
  const counters = createCounters();
  const models = fixedModels([tinyModel(session)]);
  const engine = createEngine({ models, check, counters, capacity, makeConstraint: plainConstraint });
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  const loaded = Promise.resolve(loading).then(() => engine);
  serveThread(port2, inlineDispatch(loaded), loaded, counters.snapshot);
  const tell = (model: ModelState) => port2.postMessage({ type: 'model', model } satisfies FromEngine);
  return { dispatch: threadDispatch(port1), engine, session, counters, tell };
}
