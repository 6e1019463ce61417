/**
 * The log of a thread. A process writes what is left of its log when it ends; a thread that is ended has to ask for that.
 */
import { type Logger, pino } from 'pino';

const STANDARD_OUTPUT = 1;
/** Where nobody takes the output, its last lines are given up: the service has to end. */
const PATIENCE_MS = 1_000;

export interface ThreadLog {
  readonly log: Logger;
  /** Resolves when all that has been logged is written, or is taken by nobody. */
  written(): Promise<void>;
}

/** Logs to the output of the process, as every other thread does: a line is one write, so that threads do not mix theirs. */
export function threadLog(level: string, bindings: Readonly<Record<string, unknown>>): ThreadLog {
  // Not written at once: an output that nobody reads would hold the thread up. A least length is what makes flush wait (sonic-boom).
  const output = pino.destination({ dest: STANDARD_OUTPUT, sync: false, minLength: 1 });
  return {
    log: pino({ level }, output).child(bindings),
    async written() {
      // What has just ended is still about to be logged.
      await new Promise((resolve) => setImmediate(resolve));
      // That a pipe cannot be forced to a disk is no fault: the lines are written by then.
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS);
        output.flush(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
