/**
 * The internal API as one Hono app.
 */
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { problem } from '../../shared/contract/problem.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import type { Journal } from '../dispatch/journal.ts';
import type { StreamPace } from './answer.ts';
import { createHttpCounters, type HttpCounters } from './counters.ts';
import { events } from './events.ts';
import { generate } from './generate.ts';
import { health } from './health.ts';
import { measureRequests } from './measure.ts';
import { models } from './models.ts';
import { problemOf, problemResponse } from './problems.ts';
import { createVerifier } from './verify.ts';
import { end, work } from './work.ts';

export interface AppOptions {
  readonly dispatch: Pick<Dispatch, 'models' | 'unready' | 'states'>;
  /** The jobs of that dispatch. */
  readonly journal: Journal;
  /** Prometheus text format, version 0.0.4, of whatever is behind the routes. */
  readonly metrics: () => string | Promise<string>;
  readonly secret: string;
  readonly log: Logger;
  /** What the routes count, given where others count into it too. */
  readonly counters?: HttpCounters;
  readonly pace?: StreamPace;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

const METHODS: readonly (readonly [RegExp, string])[] = [
  [/^\/generate$/, 'POST'],
  [/^\/jobs\/[^/]+\/(events|work)$/, 'GET'],
  [/^\/jobs\/[^/]+$/, 'DELETE'],
  [/^\/(models|healthz|readyz|metrics)$/, 'GET'],
];

/** The routes of the inference service. */
export function createApp({
  now = Date.now,
  counters = createHttpCounters(),
  pace = {},
  ...options
}: AppOptions): Hono {
  const { dispatch, journal, metrics, secret, log } = options;
  const app = new Hono();
  app.use(measureRequests(counters));
  counters.read('job_accounts', () => journal.accounts);
  const stream = { journal, verify: createVerifier({ secret, counters, now }), log, counters, pace };
  app.post('/generate', generate(stream));
  app.get('/jobs/:id/events', events(stream));
  app.get('/jobs/:id/work', work(stream));
  app.delete('/jobs/:id', end(stream));
  app.get('/models', models(dispatch));
  app.route(
    '/',
    health(dispatch, async () => (await counters.exposition()) + (await metrics())),
  );
  app.notFound((c) => {
    const method = METHODS.find(([path]) => path.test(c.req.path))?.[1];
    throw method === undefined
      ? problem('not_found', `There is no route ${c.req.path}.`)
      : problem('method_not_allowed', `${c.req.path} takes ${method}, not ${c.req.method}.`);
  });
  app.onError((thrown) => {
    const refusal = problemOf(thrown, log);
    counters.add('requests_refused', 1, { code: refusal.code });
    return problemResponse(refusal);
  });
  return app;
}
