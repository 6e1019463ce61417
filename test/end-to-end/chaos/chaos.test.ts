/** The short form of `npm run bench -- chaos`: real processes, real kills. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chaos, MOST_REDONE } from '../../../bench/chaos.ts';
import { NATS_SERVER } from '../../gpu-backend/dispatch/nats/server.ts';

const ROOT = join(import.meta.dirname, '../../..');

describe.skipIf(NATS_SERVER === undefined)('engines that are killed and a nats-server that restarts', () => {
  it('lose, repeat and change nothing', { timeout: 180_000 }, async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'maskwright-chaos-'));
    const options = { model: join(ROOT, 'models/default'), threads: 1, cacheFolder };
    const { results, faults, kills, redone } = await chaos({
      ...options,
      requests: 50,
      longest: 48,
      killEveryMs: 1_500,
    });
    expect(faults).toEqual([]);
    expect(results).toHaveLength(50);
    expect(kills).toBeGreaterThan(1);
    expect(redone.takeovers).toBeGreaterThan(0);
    expect(Math.max(0, ...redone.perText)).toBeLessThan(MOST_REDONE);
  });
});
