/**
 * The routes on a real socket before the tiny model, with a secret of the test.
 */
import { pino } from 'pino';
import type { Dispatch } from '../../../gpu-backend/dispatch/dispatch.ts';
import { inlineDispatch } from '../../../gpu-backend/dispatch/inline.ts';
import { createJournal, type JournalLimits } from '../../../gpu-backend/dispatch/journal.ts';
import { createCounters } from '../../../gpu-backend/engine/counters.ts';
import { createEngine, type EngineOptions } from '../../../gpu-backend/engine/engine.ts';
import type { StreamPace } from '../../../gpu-backend/http/answer.ts';
import { createApp } from '../../../gpu-backend/http/app.ts';
import { createHttpCounters } from '../../../gpu-backend/http/counters.ts';
import { problemOf } from '../../../gpu-backend/http/problems.ts';
import { openServer, type ServerLimits } from '../../../gpu-backend/http/server.ts';
import { fixedModels } from '../../../gpu-backend/model/pool.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { signRequest } from '../../../shared/contract/signature.ts';
import type { NumberedEvent } from '../../../shared/contract/stream.ts';
import { plainConstraint } from '../plain-constraint.ts';
import { type RecordedSession, tinyModel, tinySession } from '../tiny-model.ts';

export const SECRET = 'a secret of thirty-two characters, and more';

interface ServiceOptions extends Partial<EngineOptions> {
  readonly session?: RecordedSession;
  readonly now?: () => number;
  readonly pace?: StreamPace;
  readonly journal?: Partial<JournalLimits>;
}

/** The routes before an engine with the tiny model. */
export function appOf({ session = tinySession(), now, pace, journal: limits, ...changes }: ServiceOptions = {}) {
  const counters = createCounters();
  const check = () => ({ held: [], failed: [] });
  const models = fixedModels([tinyModel(session)]);
  const engine = createEngine({ models, check, counters, makeConstraint: plainConstraint, ...changes });
  const dispatch = inlineDispatch(Promise.resolve(engine));
  return {
    ...routesTo(dispatch, { now, pace, limits, metrics: () => counters.exposition() }),
    counters,
    engine,
    session,
  };
}

interface RouteOptions {
  readonly metrics?: () => string | Promise<string>;
  readonly now?: () => number;
  readonly pace?: StreamPace;
  readonly limits?: Partial<JournalLimits>;
}

export function routesTo(dispatch: Dispatch, { metrics = () => '', limits, ...options }: RouteOptions = {}) {
  const log = pino({ level: 'silent' });
  const http = createHttpCounters();
  const journal = createJournal({ dispatch, problemOf: (thrown) => problemOf(thrown, log), limits });
  const app = createApp({ dispatch, journal, metrics, secret: SECRET, log, counters: http, ...options });
  return { app, dispatch, journal, http };
}

/** Serves an app on a free port of the loopback interface. */
export async function serveApp(
  app: ReturnType<typeof appOf>['app'],
  limits: Partial<ServerLimits> = {},
  counters = createHttpCounters(),
) {
  const server = await openServer({ app, host: '127.0.0.1', port: 0, counters, limits });
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    connections: server.connections,
    close: () => server.close(0),
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

/** A signed request without a body. */
export async function signedWithoutBody(
  method: string,
  path: string,
  now?: number,
  secret = SECRET,
): Promise<RequestInit> {
  return { method, headers: { ...(await signRequest(secret, { method, path, body: '' }, now)) } };
}

/** A signed GET of a job's events. */
export const signedGet = (path: string, now?: number, secret?: string): Promise<RequestInit> =>
  signedWithoutBody('GET', path, now, secret);

/** The events of an NDJSON answer, as they come; empty lines only say that it lives. */
export async function* eventsOf(response: Response): AsyncGenerator<NumberedEvent> {
  if (response.body === null) throw new Error('the answer has no body');
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line);
  }
  if (rest !== '') throw new Error('the last line is not ended');
}
