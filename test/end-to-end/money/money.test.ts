/** The short form of `npm run bench -- money`: the edge in workerd, services as processes, real kills, and every micro-dollar. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { money } from '../../../bench/money.ts';

describe('callers who vanish, services that are killed, payments and entries that come twice', () => {
  it('leave ledgers, statements and services of one mind, and nothing held', { timeout: 180_000 }, async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'maskwright-money-'));
    const found = await money({ requests: 100, killEveryMs: 1_500, threads: 1, cacheFolder });
    await rm(cacheFolder, { recursive: true, force: true });
    expect(found.faults).toEqual([]);
    // All of it happened.
    expect(found.kills).toBeGreaterThan(0);
    expect(found.deliveries).toBeGreaterThan(found.entries);
    expect(found.told.filter(({ left }) => left).length).toBeGreaterThan(10);
    expect(found.told.filter(({ returns }) => returns > 0).length).toBeGreaterThan(0);
    expect(found.proven.service.requests).toBeGreaterThan(0);
    expect(found.topUps).toBeGreaterThan(0);
  });
});
