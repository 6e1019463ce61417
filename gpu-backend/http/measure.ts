/**
 * Requests and the work behind them as numbers: around everything, so that no route has to think of it.
 */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { PROBLEMS, ProblemError } from '../../shared/contract/problem.ts';
import type { Watcher } from '../engine/watch.ts';
import type { HttpCounters } from './counters.ts';

const SERVER_ERROR = 500;

/** Counts and times every request. A path without a route has none of its own: whoever guesses paths makes no new series. */
export function measureRequests(counters: HttpCounters): MiddlewareHandler {
  return async function measureRequests(c, next) {
    const began = performance.now();
    const answered = (status: number) => {
      const path = routePath(c, -1);
      const route = path === '/*' ? 'none' : path;
      counters.add('requests', 1, { route, status: String(status) });
      counters.observe('request_seconds', (performance.now() - began) / 1000, { route });
    };
    try {
      await next();
    } catch (thrown) {
      // Where there is no route, what is thrown comes by here before it becomes an answer.
      answered(thrown instanceof ProblemError ? PROBLEMS[thrown.problem.code].status : SERVER_ERROR);
      throw thrown;
    }
    answered(c.res.status);
  };
}

/** Counts and times the work behind the routes, wherever it is done. */
export function measureWork(counters: HttpCounters): Watcher {
  let open = 0;
  counters.read('open_jobs', () => open);
  return () => {
    const began = performance.now();
    open++;
    return {
      ended({ outcome, code }) {
        open--;
        counters.observe('answer_seconds', (performance.now() - began) / 1000, { outcome });
        counters.add('answers', 1, { outcome, code });
      },
    };
  };
}
