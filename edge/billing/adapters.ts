/** The adapters of this deployment. */
import type { Env } from '../env.ts';
import type { Adapter } from './adapter.ts';
import { cloudEvents } from './cloudevents.ts';
import { stripeMeter } from './stripe-meter.ts';

/** The adapters whose configuration is complete. */
export function adaptersOf(env: Env): readonly Adapter[] {
  return [stripeMeter(env), cloudEvents(env)].filter((adapter) => adapter !== undefined);
}
