/** The processes of a local run: started, watched, and all stopped together. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** How long a process may take to end by itself before it is killed. */
const GRACE_MS = 5_000;
/** Lines of a dead process's log that are shown. */
const LAST_LINES = 20;

const ENDED = 'ended with code ';
const ENDED_WELL = `${ENDED}0`;

export interface ChildOptions {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly folder: string;
  /** File that its output goes to. */
  readonly log: string;
}

export interface Child {
  readonly name: string;
  /** Rejects when the process ends before it was told to. */
  readonly died: Promise<never>;
  /** Of a process that is to end by itself: resolves when it has done so well, rejects when it has not. */
  readonly succeeded: Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Node process in a group of its own, so that what it starts is stopped with it. */
export function startChild({ name, parameters, environment, folder, log }: ChildOptions): Child {
  const output = openSync(log, 'w');
  const child = spawn(process.execPath, [...parameters], {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  let stopping = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(signal === null ? `${ENDED}${code}` : `was ended by ${signal}`));
  });
  const died = ended.then((how) => {
    if (stopping) return new Promise<never>(() => undefined);
    throw new Error(`The ${name} ${how}. The end of its log (${log}):\n${lastLines(log)}`);
  });
  const succeeded = ended.then((how) => (how === ENDED_WELL && !stopping ? undefined : died));
  // Somebody races them as long as it matters; after that they may not crash the process.
  for (const promise of [died, succeeded]) promise.catch(() => undefined);
  return {
    name,
    died,
    succeeded,
    async stop() {
      stopping = true;
      signalGroup(child, 'SIGTERM');
      const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS);
      await ended;
      clearTimeout(timer);
      // Whatever of the group has outlived its leader.
      signalGroup(child, 'SIGKILL');
    },
  };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

function lastLines(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n');
}
