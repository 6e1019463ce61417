/**
 * What streams, consumers, buckets and subjects are called. All begin with the prefix of the installation.
 */
import type { Priority } from '../../../shared/contract/generation.ts';

export interface Names {
  /** Streams: jobs that wait or are worked on, the events of jobs, jobs that were given up. */
  readonly jobs: string;
  readonly events: string;
  readonly setAside: string;
  /** Bucket of checkpoints, by job id. */
  readonly checkpoints: string;
  readonly jobSubject: (model: string, priority: Priority) => string;
  /** Of the jobs of one model and priority; also the name of its subject's last tokens. */
  readonly consumer: (model: string, priority: Priority) => string;
  /** Events of one job, or of all jobs of a gateway, or of a job whatever its gateway. */
  readonly eventSubject: (gateway: string, job: string) => string;
  readonly setAsideSubject: (reason: string) => string;
  /** Core messages, which nobody stores: there is work, an engine tells of itself, engines are asked to, orders about jobs. */
  readonly wake: string;
  readonly engine: (id: string) => string;
  readonly who: string;
  readonly order: string;
  /** To one gateway: another has taken up a job of its. */
  readonly taken: (gateway: string) => string;
}

// A subject is cut at its dots, and ids of models may have some; none has '='.
const token = (id: string) => id.replaceAll('.', '=');

export function namesOf(prefix: string): Names {
  const consumer = (model: string, priority: Priority) => `${token(model)}-${priority}`;
  return {
    jobs: `${prefix}-jobs`,
    events: `${prefix}-events`,
    setAside: `${prefix}-set-aside`,
    checkpoints: `${prefix}-checkpoints`,
    consumer,
    jobSubject: (model, priority) => `${prefix}.jobs.${token(model)}.${priority}`,
    eventSubject: (gateway, job) => `${prefix}.events.${gateway}.${job}`,
    setAsideSubject: (reason) => `${prefix}.set-aside.${reason}`,
    wake: `${prefix}.wake`,
    engine: (id) => `${prefix}.engines.${id}`,
    who: `${prefix}.who`,
    order: `${prefix}.order`,
    taken: (gateway) => `${prefix}.taken.${gateway}`,
  };
}
