/**
 * The engines there are, as a gateway knows them: by their heartbeats, which nobody stores. An engine that falls silent is gone.
 *
 * Two engines may have different revisions of a model while a new one is rolled out. What is said of the model is then what the engine
 * says that came last; a job goes on only with the revision it was begun with (work.ts).
 */
import type { Logger } from 'pino';
import type { ModelSummary } from '../../../shared/contract/manifest.ts';
import type { Link } from './connection.ts';
import type { Counted } from './counted.ts';
import { type Heartbeat, MalformedMessage, readHeartbeat } from './messages.ts';
import type { Names } from './names.ts';

// Ten heartbeats: an engine may be busy loading a model, and a gateway collecting its garbage.
const SILENCE_MS = 10_000;

export interface Fleet {
  /** What the engines can do, without those that are ending. */
  models(): readonly ModelSummary[];
  /** Engines that take work of a model. */
  engines(model: string): number;
  /** Jobs that the engines of a model finish in a second when they are busy. */
  jobsPerSecond(model: string): number;
  /** Engines that take work. */
  readonly size: number;
  close(): void;
}

interface Known extends Heartbeat {
  readonly at: number;
  /** Order of first appearance. */
  readonly number: number;
}

export function watchFleet({ nc, say, downMs }: Link, names: Names, counted: Counted, log: Logger): Fleet {
  const known = new Map<string, Known>();
  let appeared = 0;
  let connectedAt = Date.now();

  function live(): Known[] {
    // Nobody is heard while there is no connection; they are given time to be heard again.
    if (downMs() > 0) connectedAt = Date.now();
    const now = Date.now();
    for (const [id, { at }] of known) if (now - Math.max(at, connectedAt) > SILENCE_MS) known.delete(id);
    return [...known.values()].filter(({ draining }) => !draining).sort((a, b) => a.number - b.number);
  }

  function complain(heartbeat: Heartbeat): void {
    for (const other of live()) {
      for (const { id, revision } of heartbeat.models) {
        const theirs = other.models.find((model) => model.id === id)?.revision;
        if (theirs === undefined || theirs === revision) continue;
        log.warn(
          { model: id, revision, engine: heartbeat.engine, theirs, other: other.engine },
          'two revisions of a model',
        );
      }
    }
  }

  const subscription = nc.subscribe(names.engine('*'), {
    callback(error, msg) {
      if (error !== null) return;
      try {
        const heartbeat = readHeartbeat(msg.data);
        const before = known.get(heartbeat.engine);
        if (before === undefined) complain(heartbeat);
        known.set(heartbeat.engine, { ...heartbeat, at: Date.now(), number: before?.number ?? ++appeared });
      } catch (reason) {
        if (!(reason instanceof MalformedMessage)) throw reason;
        counted.add('malformed_messages');
        log.warn({ err: reason }, 'a heartbeat cannot be read');
      }
    },
  });
  say(names.who);
  const having = (model: string) => live().filter(({ models }) => models.some(({ id }) => id === model));
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return {
    models: () => [...new Map(live().flatMap(({ models }) => models.map((model) => [model.id, model]))).values()],
    engines: (model) => having(model).length,
    jobsPerSecond: (model) => sum(having(model).map(({ jobsPerSecond }) => jobsPerSecond)),
    get size() {
      return live().length;
    },
    close: () => subscription.unsubscribe(),
  };
}
