/**
 * The internal API as one Hono app.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Logger } from 'pino';
import { LIMITS } from '../../shared/contract/generation.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { generate } from './generate.ts';
import { health } from './health.ts';
import { models } from './models.ts';
import { problemOf, problemResponse } from './problems.ts';

export interface AppOptions {
  readonly dispatch: Dispatch;
  /** Prometheus text format, version 0.0.4. */
  readonly metrics: () => string | Promise<string>;
  readonly secret: string;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

// A job is the caller's request with an id, a model and a seed around it.
const ENVELOPE_BYTES = 4_096;
const MOST_BODY_BYTES = LIMITS.bodyBytes + ENVELOPE_BYTES;

const METHODS: Readonly<Record<string, string>> = {
  '/generate': 'POST',
  '/models': 'GET',
  '/healthz': 'GET',
  '/readyz': 'GET',
  '/metrics': 'GET',
};

/** The routes of the inference service. */
export function createApp(options: AppOptions): Hono {
  const { dispatch, metrics, log } = options;
  const app = new Hono();
  const tooLarge = () => {
    throw problem('body_too_large', `The body may have ${MOST_BODY_BYTES} bytes.`, { pointer: '' });
  };
  app.post('/generate', bodyLimit({ maxSize: MOST_BODY_BYTES, onError: tooLarge }), generate(options));
  app.get('/models', models(dispatch));
  app.route('/', health(dispatch, metrics));
  app.notFound((c) => {
    const method = METHODS[c.req.path];
    const refusal =
      method === undefined
        ? problem('not_found', `There is no route ${c.req.path}.`)
        : problem('method_not_allowed', `${c.req.path} takes ${method}, not ${c.req.method}.`);
    return problemResponse(refusal.problem);
  });
  app.onError((thrown) => problemResponse(problemOf(thrown, log)));
  return app;
}
