/**
 * A job that this engine has claimed, and what it works with.
 */
import type { Logger } from 'pino';
import type { Dispatch } from '../dispatch.ts';
import type { Link } from './connection.ts';
import type { Counted } from './counted.ts';
import type { Delivery } from './deliveries.ts';
import type { Lease } from './lease.ts';
import type { WorkMessage } from './messages.ts';
import type { Publish } from './publisher.ts';
import type { Topology } from './topology.ts';

export interface ClaimedJob {
  readonly delivery: Delivery;
  readonly message: WorkMessage;
  readonly lease: Lease;
  readonly publish: Publish;
  readonly log: Logger;
}

export interface WorkContext {
  readonly link: Link;
  readonly topology: Topology;
  readonly dispatch: Dispatch;
  /** How long a delivery is ours after a sign of life. */
  readonly leaseMs: number;
  readonly counted: Counted;
  readonly log: Logger;
  /** Resolves when all that is under way now has ended. */
  readonly quiet: () => Promise<void>;
}
