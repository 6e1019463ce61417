/**
 * Whoever reads a job's events, as the engine sees him: whether he wants more now, and whether he has gone for good.
 */

import type { JobWatch } from './watch.ts';

/** Open or shut. */
export interface Gate {
  readonly open: boolean;
  /** Resolves when it is open; at once where it is. Rejects with the signal's reason when that aborts first. */
  opened(signal: AbortSignal): Promise<void>;
  /** Calls at each change, until the returned function is called. */
  onChange(listener: (open: boolean) => void): () => void;
}

export interface Reader {
  /** Aborted when nobody will read any more: the work ends before its next step. */
  readonly signal: AbortSignal;
  /** Shut while the reader is away or behind: the work rests before its next step, and others have its place. */
  readonly wants: Gate;
  /** Told of the work while it happens. */
  readonly watch?: JobWatch;
  /** Told that the job goes on without him: another reader has it, at another process. */
  readonly taken?: () => void;
}

export interface SettableGate extends Gate {
  set(open: boolean): void;
}

export function createGate(open = true): SettableGate {
  let isOpen = open;
  const listeners = new Set<(open: boolean) => void>();
  const onChange = (listener: (open: boolean) => void) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };
  return {
    get open() {
      return isOpen;
    },
    onChange,
    async opened(signal) {
      signal.throwIfAborted();
      if (isOpen) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const forget = onChange((now) => now && resolve());
      const gone = () => reject(signal.reason);
      signal.addEventListener('abort', gone, { once: true });
      try {
        await promise;
      } finally {
        forget();
        signal.removeEventListener('abort', gone);
      }
    },
    set(now) {
      if (now === isOpen) return;
      isOpen = now;
      for (const listener of [...listeners]) listener(now);
    },
  };
}

/** A reader who always wants more, until the signal aborts. */
export function eagerReader(signal: AbortSignal): Reader {
  return { signal, wants: createGate() };
}
