/** All that the service counts and measures, with the prefix its names have. */
import { NATS_FAMILIES, NATS_PREFIX } from '../../gpu-backend/dispatch/nats/counted.ts';
import { FAMILIES } from '../../gpu-backend/engine/counters.ts';
import type { MetricFamilies } from '../../gpu-backend/engine/metrics.ts';
import { HTTP_FAMILIES, HTTP_PREFIX } from '../../gpu-backend/http/counters.ts';

export const CATALOGUES: readonly (readonly [prefix: string, families: MetricFamilies])[] = [
  ['maskwright_', FAMILIES],
  [HTTP_PREFIX, HTTP_FAMILIES],
  [NATS_PREFIX, NATS_FAMILIES],
];
