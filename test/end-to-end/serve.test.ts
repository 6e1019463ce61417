/** A short run of the bench of the service under load, with two engines and the shipped model: everything but its timings. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Findings, findingsOf } from '../../bench/serve-findings.ts';
import { type Load, type Measured, measure } from '../../bench/serve-phases.ts';
import { startService } from '../../bench/service.ts';

const CALLERS = 16;

describe.runIf(process.platform === 'linux')(`the service under the load of ${CALLERS} callers`, () => {
  let folder: string;
  let measured: Measured;
  let findings: Findings;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'maskwright-serve-'));
    const model = join(import.meta.dirname, '../../models/default');
    const load: Load = { callers: CALLERS, seconds: 6, rounds: 1, longest: 40 };
    const usual = await startService({ model, cacheFolder: folder });
    measured = await measure(usual, await startService({ model, cacheFolder: folder, engines: 2 }), load);
    findings = findingsOf(measured);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('answers every job whole, in order and as asked for', () => {
    expect(findings.usual.faults).toEqual([]);
    expect(findings.alone.faults).toEqual([]);
    expect(findings.many.faults).toEqual([]);
    expect(findings.load.faults).toEqual([]);
    expect(findings.load.jobs).toBeGreaterThan(0);
  });

  it('has the texts that the same jobs had alone, with one engine and with two', () => {
    expect(findings.usual.texts).toBeGreaterThan(0);
    expect(findings.compared).toBeGreaterThan(0);
    expect(findings.same).toBe(findings.compared);
  });

  it('on SIGTERM is unready, finishes or says that it does not, and ends with 0', () => {
    const { ending } = measured;
    expect(ending.unreadyMs).toBeDefined();
    expect(findings.ending.faults).toEqual([]);
    expect(findings.ending.jobs).toBeGreaterThan(0);
    expect(findings.ending.finished + findings.ending.told).toBe(findings.ending.jobs);
    expect(ending.exitCode).toBe(0);
  });
});
