/**
 * The engine's side: pulls a job whenever there is room, high priority before normal before low, works on it and tells of itself.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { nuid } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import { PRIORITIES } from '../../../shared/contract/generation.ts';
import type { NatsConfig } from '../../config.ts';
import type { Dispatch } from '../dispatch.ts';
import type { WorkContext } from './claimed-job.ts';
import type { Link } from './connection.ts';
import type { Counted } from './counted.ts';
import { type Deliveries, type Delivery, openDeliveries } from './deliveries.ts';
import { encode, type Heartbeat, MalformedMessage, readOrder } from './messages.ts';
import type { StopReason } from './run-job.ts';
import { ensureConsumers, ensureTopology, LEASE_MS } from './topology.ts';
import { beginWork, type Work } from './work.ts';

/** How often an engine tells of itself. */
export const HEARTBEAT_MS = 1_000;
// A wake-up says when there is work; this is for those that get lost, and for jobs that were given back.
const POLL_MS = 300;
// Left of the grace period for checkpoints, messages and the connection.
const HAND_OVER_MS = 2_000;
// So often the lowest priority goes first, so that it gets on whatever comes above it.
const FAIR_TURN = 8;
// How long a job takes before the first one has been seen, seconds; weight of the newest in the moving average.
const FIRST_GUESS = 1;
const NEWEST = 0.2;

export interface EngineSideOptions {
  readonly link: Link;
  readonly config: NatsConfig;
  /** The engine itself, its models loaded. */
  readonly dispatch: Dispatch;
  /** Most texts at once. */
  readonly room: number;
  /** How long a job that this engine is not heard of stays its own; for tests. */
  readonly leaseMs?: number;
  readonly counted: Counted;
  readonly log: Logger;
}

export interface EngineSide {
  /** Takes no new work; lets what is under way end, and hands over at its checkpoints what has not ended in time. */
  drain(graceMs: number): Promise<void>;
}

const textsOf = ({ message }: Work) => message.job.request.n ?? 1;

/** Begins to take work. */
export async function startEngineSide(options: EngineSideOptions): Promise<EngineSide> {
  const { link, config, dispatch, room, leaseMs = LEASE_MS, counted, log } = options;
  const { nc } = link;
  const engine = `${hostname()
    .replaceAll(/[^\w-]/g, '-')
    .slice(0, 60)}-${nuid.next()}`;
  const topology = await ensureTopology(link, config);
  const { names } = topology;
  const models = dispatch.models();
  for (const { id } of models) await ensureConsumers(link, names, id, leaseMs);
  const works = new Set<Work>();
  const quiet = async () => void (await Promise.all([...works].map(({ ended }) => ended)));
  const context: WorkContext = { link, topology, dispatch, leaseMs, counted, log, quiet };
  let draining = false;
  let secondsPerJob = FIRST_GUESS;
  let textsPerJob = 1;
  let wake = () => {};

  const running = () => [...works].reduce((texts, work) => texts + textsOf(work), 0);

  function stop(id: string, run: string | undefined, reason: StopReason): void {
    for (const work of works) {
      if (work.message.job.id === id && work.message.run === run) work.stop(reason);
    }
  }

  function tell(): void {
    const jobsPerSecond = room / (textsPerJob * secondsPerJob);
    const heartbeat: Heartbeat = { engine, models: [...models], running: running(), room, jobsPerSecond, draining };
    link.say(names.engine(engine), encode(heartbeat));
  }

  const subscriptions = [
    nc.subscribe(names.wake, { callback: () => wake() }),
    nc.subscribe(names.who, { callback: tell }),
    nc.subscribe(names.order, {
      callback(error, msg) {
        if (error !== null) return;
        try {
          const { order, id, run } = readOrder(msg.data);
          stop(id, run, order === 'cancel' ? 'cancelled' : 'rest');
        } catch (reason) {
          if (!(reason instanceof MalformedMessage)) throw reason;
          counted.add('malformed_messages');
          log.warn({ err: reason }, 'an order cannot be read');
        }
      },
    }),
  ];
  const beating = setInterval(tell, HEARTBEAT_MS);
  tell();

  const anyEnd = () => Promise.race([...works].map(({ ended }) => ended));
  const woken = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  /** Starts work on a delivery; resolves when the next one may be pulled. */
  async function take(delivery: Delivery): Promise<void> {
    const started = performance.now();
    const work = await beginWork(delivery, context);
    if (work === undefined) return;
    works.add(work);
    const gone = work.ended.then(() => {
      works.delete(work);
      secondsPerJob += NEWEST * ((performance.now() - started) / 1000 - secondsPerJob);
      textsPerJob += NEWEST * (textsOf(work) - textsPerJob);
      wake();
    });
    if (draining) work.stop('hand-over');
    if (work.suspect) await Promise.race([work.settled, gone]);
  }

  const pulling = pull(openDeliveries(link, names));

  async function pull(deliveries: Deliveries): Promise<void> {
    for (let turn = 0; !draining; turn++) {
      try {
        if (running() >= room) {
          await Promise.race([anyEnd(), woken()]);
          continue;
        }
        const wakened = woken(); // before asking, so that what comes meanwhile is not slept through
        const delivery = link.downMs() > 0 ? undefined : await first(deliveries, turn);
        if (delivery !== undefined) await take(delivery);
        else await Promise.race([wakened, sleep(POLL_MS)]);
      } catch (reason) {
        log.error({ err: reason }, 'a job could not be taken'); // its lease runs out, and somebody gets it
        await sleep(POLL_MS);
      }
    }
    deliveries.close();
  }

  /** The next job: of the highest priority that has one, now and then of the lowest; models by turns. */
  async function first(deliveries: Deliveries, turn: number): Promise<Delivery | undefined> {
    const lowestFirst = turn % FAIR_TURN === FAIR_TURN - 1;
    for (const priority of lowestFirst ? PRIORITIES.toReversed() : PRIORITIES) {
      for (let i = 0; i < models.length; i++) {
        const { id } = models[(turn + i) % models.length];
        const delivery = await deliveries.next(names.consumer(id, priority));
        if (delivery !== undefined) return delivery;
      }
    }
    return undefined;
  }

  return {
    async drain(graceMs) {
      draining = true;
      tell();
      wake();
      const handOver = setTimeout(
        () => {
          for (const work of works) work.stop('hand-over');
        },
        Math.max(0, graceMs - HAND_OVER_MS),
      );
      const all = (async () => {
        await pulling;
        while (works.size > 0) await quiet();
      })();
      await Promise.race([all, sleep(graceMs, undefined, { ref: false })]); // a server that does not answer keeps nobody alive
      clearTimeout(handOver);
      clearInterval(beating);
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}
