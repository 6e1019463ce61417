/** Where a field of the native request came from: problems and reports speak of the body that the caller wrote. */
import { type Problem, ProblemError } from '../../shared/contract/problem.ts';

/** What the native request has at `native` is what the caller wrote at `own`. */
export interface Origin {
  readonly native: string;
  readonly own: string;
  /** The value is one of the caller's whole: what lies deeper in the native request has no place in his. */
  readonly leaf?: boolean;
  /** The caller did not say it: it holds, and is not reported to hold. */
  readonly implied?: boolean;
}

/** The closest origin of a pointer into the native request; what has none stands at the same place in both. */
function originOf(origins: readonly Origin[], pointer: string): Origin | undefined {
  let best: Origin | undefined;
  for (const origin of origins) {
    const within = pointer === origin.native || pointer.startsWith(`${origin.native}/`);
    if (within && origin.native.length > (best?.native.length ?? -1)) best = origin;
  }
  return best;
}

export const isImplied = (origins: readonly Origin[], pointer: string) => originOf(origins, pointer)?.implied === true;

/** A pointer into the native request as one into the caller's body. */
export function ownPointer(origins: readonly Origin[], pointer: string): string {
  const best = originOf(origins, pointer);
  if (best === undefined) return pointer;
  return best.leaf ? best.own : best.own + pointer.slice(best.native.length);
}

/** Pointers as messages have them: behind a space or an opening quote, never inside a word or an address. */
const POINTERS = /(?<![^\s'"(])\/[a-z_]+(?:\/[\w~-]+)*/g;

/** A message in which every pointer leads into the caller's body. */
export function inOwnWords(origins: readonly Origin[], text: string): string {
  return text.replaceAll(POINTERS, (pointer) => ownPointer(origins, pointer));
}

/** An error as the caller of a compatible route is told of it; what is no problem of ours stays as it is. */
export function restated(origins: readonly Origin[], error: unknown): unknown {
  if (!(error instanceof ProblemError)) return error;
  const { detail, pointer, conflict, achievable, ...rest } = error.problem;
  const problem: Problem = {
    ...rest,
    detail: inOwnWords(origins, detail),
    ...(pointer === undefined ? {} : { pointer: ownPointer(origins, pointer) }),
    ...(conflict === undefined ? {} : { conflict: [...new Set(conflict.map((each) => ownPointer(origins, each)))] }),
    ...(achievable === undefined ? {} : { achievable: inOwnWords(origins, achievable) }),
  };
  return new ProblemError(problem);
}
