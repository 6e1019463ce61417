/** Problems of a part that is judged by itself, told to whoever sees the whole: their pointers are moved to where the part stands. */
import { type Problem, ProblemError, problem, unsatisfiable } from '../../shared/contract/problem.ts';

/** Where in the whole a pointer into the part leads. */
export type Move = (pointer: string) => string;

/** Into the saved request of a preset. */
export const withinRequest: Move = (pointer) => `/request${pointer}`;

/**
 * Does something with the part.
 * @param note sentence to be added to what its problems say
 */
export async function repointed<Value>(move: Move, work: () => Promise<Value> | Value, note = ''): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.pointer === undefined) throw error;
    throw moved(error.problem, error.problem.pointer, move, note);
  }
}

function moved({ code, detail, conflict, achievable, ...rest }: Problem, pointer: string, move: Move, note: string) {
  const said = (text: string) => (note === '' ? text : `${text} ${note}`);
  if (conflict !== undefined && achievable !== undefined) {
    return unsatisfiable([...new Set(conflict.map(move))], said(achievable));
  }
  const text = pointer === '' ? detail : detail.replaceAll(pointer, move(pointer));
  return problem(code, said(text), { ...rest, pointer: move(pointer) });
}
