/**
 * The routes on a real socket before the tiny model, with a secret of the test.
 */
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { pino } from 'pino';
import type { Dispatch } from '../../../gpu-backend/dispatch/dispatch.ts';
import { inlineDispatch } from '../../../gpu-backend/dispatch/inline.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { createEngine, type EngineOptions } from '../../../gpu-backend/engine/engine.ts';
import { createApp } from '../../../gpu-backend/http/app.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { signRequest } from '../../../shared/contract/signature.ts';
import type { GenerationEvent } from '../../../shared/contract/stream.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { type RecordedSession, tinyModel, tinySession } from '../tiny-model.ts';

export const SECRET = 'a secret of thirty-two characters, and more';

export function appOf({
  session = tinySession(),
  now,
  ...changes
}: Partial<EngineOptions> & { session?: RecordedSession; now?: () => number } = {}) {
  const counters = createCounters();
  const check = () => ({ held: [], failed: [] });
  const models = [tinyModel(session)];
  const engine = createEngine({ models, check, counters, makeConstraint: plainConstraint, ...changes });
  const dispatch: Dispatch = inlineDispatch(Promise.resolve(engine));
  const log = pino({ level: 'silent' });
  const app = createApp({ dispatch, metrics: () => counters.exposition(), secret: SECRET, log, now });
  return { app, counters, dispatch, engine, session };
}

/** Serves an app on a free port of the loopback interface. */
export async function serveApp(
  app: ReturnType<typeof appOf>['app'],
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

let jobs = 0;

export function jobOf(request: Partial<GenerationJob['request']>): GenerationJob {
  return { id: `job-${++jobs}`, request: { model: 'tiny', seed: 7, ...request } };
}

/** A signed POST /generate. Time and id differ from call to call, so that no two have one signature. */
export async function signedPost(job: unknown, changes: { secret?: string; now?: number; type?: string } = {}) {
  const body = typeof job === 'string' ? job : JSON.stringify(job);
  const signed = await signRequest(changes.secret ?? SECRET, { method: 'POST', path: '/generate', body }, changes.now);
  return { method: 'POST', headers: { 'content-type': changes.type ?? 'application/json', ...signed }, body };
}

/** The events of an NDJSON answer, as they come. */
export async function* eventsOf(response: Response): AsyncGenerator<GenerationEvent> {
  if (response.body === null) throw new Error('the answer has no body');
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line);
  }
  if (rest !== '') throw new Error('the last line is not ended');
}
