import { type Problem, ProblemError } from '../shared/contract/problem.ts';

/** The problem that `work` throws; an error when it throws none. */
export function problemOf(work: () => unknown): Problem {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof ProblemError) return thrown.problem;
    throw thrown;
  }
  throw new Error('nothing was refused');
}
